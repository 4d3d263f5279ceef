/**
 * wrangler.toml against the code: what each Worker is routed, given and made of. An environment silently inherits
 * `routes` and `triggers` from the top level (and would take over the whole domain) and silently lacks `secrets` and
 * `ratelimits`, so each must say its own; and together they must answer exactly what the all-in-one Worker answers.
 */
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import {
  ALL_IN_ONE,
  covers,
  environmentOf,
  type Operation,
  patternsOf,
  type RawWorker,
  readWorkers,
} from '../../ops/routes.ts'
import { EDGE_LIMIT, FALLBACK_LIMIT, LIMITS, type Policy } from '../../src/limits/limits.ts'
import { readCode, rowOf } from '../support/limit-rows.ts'

/** Not by a literal path: the types of Workers and those of Node are not in one project. */
const JOBS: string = '../../src/jobs.ts'
const { CRONS, QUEUES } = (await import(JOBS)) as Record<'CRONS' | 'QUEUES', object> // see JOBS

const written = readWorkers()
const topLevel = written.get(ALL_IN_ONE) ?? {}
const environments = [...written].filter(([worker]) => worker !== ALL_IN_ONE)
const code = readCode()

const operationsOf = (worker: string): Operation[] => code[worker]?.operations ?? []
const everyOperation = operationsOf(ALL_IN_ONE)
const nameOf = ({ method, path }: Operation) => `${method} ${path}`
/** A path as a caller writes it: `/v1/sessions/:id` becomes `/v1/sessions/x`. */
const samplePath = (operation: Operation) => operation.path.replaceAll(/:\w+/g, 'x')
/** Of the patterns that cover a path, Cloudflare takes the most specific one: 0 for none. */
const takes = (worker: string, operation: Operation) =>
  Math.max(
    0,
    ...patternsOf(written.get(worker) ?? {})
      .filter((pattern) => covers(pattern, samplePath(operation)))
      .map(({ length }) => length),
  )

/** What wrangler makes of it, inheritance and all. */
const resolve = (worker: string) =>
  unstable_readConfig({ config: 'wrangler.toml', env: environmentOf(worker) }, { hideWarnings: true })

test('there is at least one environment, and the all-in-one Worker has operations', () => {
  expect(environments.length).toBeGreaterThan(0)
  expect(everyOperation.length).toBeGreaterThan(0)
})

test.each(environments)('[env.%s] states what it would inherit or lack', (_, environment) => {
  const stated = Object.keys(environment)
  for (const key of ['name', 'main', 'routes', 'triggers', 'secrets', 'ratelimits', 'version_metadata'])
    expect(stated).toContain(key)
  expect(environment.triggers).toHaveProperty('crons')
  expect(environment.secrets).toHaveProperty('required')
})

test.each(environments)('wrangler reads [env.%s] as it is written', (worker, environment) => {
  const resolved = resolve(worker)
  expect(resolved.name).toBe(environment.name)
  expect(resolved.main).toBe(path.resolve(environment.main ?? ''))
  expect(resolved.routes).toEqual(environment.routes)
  expect(resolved.triggers).toEqual(environment.triggers)
  expect(resolved.secrets).toEqual(environment.secrets)
  expect(resolved.ratelimits).toEqual(environment.ratelimits)
  expect(resolved.workers_dev).toBe(false)
  expect(resolved.preview_urls).toBe(false)
  expect(resolved.compatibility_date).toBe(topLevel.compatibility_date)
})

test('no two Workers share a name or an entry point', () => {
  for (const key of ['name', 'main'] as const) {
    const values = [...written.values()].map((worker) => worker[key])
    expect(new Set(values).size).toBe(values.length)
  }
})

test('every route of an environment names a path on the host of the all-in-one Worker', () => {
  const [host] = patternsOf(topLevel)
  expect(patternsOf(topLevel)).toHaveLength(1)
  for (const [, environment] of environments)
    for (const pattern of patternsOf(environment)) expect(pattern).toMatch(new RegExp(`^${host}/`))
})

test.each(everyOperation.map((operation) => [nameOf(operation), operation] as const))(
  '%s is answered by one environment, and routed to that one alone',
  (name, operation) => {
    const answering = environments
      .map(([worker]) => worker)
      .filter((worker) => operationsOf(worker).map(nameOf).includes(name))
    const most = Math.max(...environments.map(([worker]) => takes(worker, operation)))
    const routed = environments
      .map(([worker]) => worker)
      .filter((worker) => most > 0 && takes(worker, operation) === most)
    expect(answering).toHaveLength(1)
    expect(routed).toEqual(answering)
  },
)

test('the environments together answer what the all-in-one Worker answers', () => {
  const together = environments.flatMap(([worker]) => operationsOf(worker).map(nameOf))
  expect(together.toSorted()).toEqual(everyOperation.map(nameOf).toSorted())
})

test.each(environments)('every route of [env.%s] leads to an operation of its own', (worker, environment) => {
  for (const pattern of patternsOf(environment))
    expect(operationsOf(worker).filter((operation) => covers(pattern, samplePath(operation)))).not.toEqual([])
})

test.each([...written])('%s is given the secrets that its code demands, and no others', (worker, config) => {
  expect(code[worker]?.main).toBe(config.main)
  expect(config.secrets?.required?.toSorted()).toEqual(code[worker]?.secrets.toSorted())
})

test.each([...written])(
  'files 2: %s may compute for seconds only where it has a reason',
  (worker, config) => {
    const verifiesPasswords = operationsOf(worker).some(({ path }) => /^\/(v1\/login|sign-in)$/.test(path))
    const cpuMs = { admin: 60_000, jobs: 30_000 }[worker] ?? (verifiesPasswords ? 15_000 : 1000)
    expect(config.limits).toEqual({ cpu_ms: cpuMs })
  },
)

/** The rate-limit bindings, and the rates of src/limits/limits.ts that they are to have. */
const BINDINGS = { EDGE_LIMITER: EDGE_LIMIT, FALLBACK_LIMITER: FALLBACK_LIMIT }

const bindingsOf = ({ ratelimits = [] }: RawWorker) => ratelimits.map(({ name }) => name).toSorted()

/** What the rows of a Worker's operations ask for. */
function bindingsNeededBy(worker: string): string[] {
  const policies: Policy[] = operationsOf(worker).map((operation) => LIMITS[rowOf(nameOf(operation))])
  const needed = {
    EDGE_LIMITER: policies.some(({ edge }) => edge !== undefined),
    FALLBACK_LIMITER: policies.some(({ withoutRedis }) => withoutRedis === 'degraded'),
  }
  return Object.entries(needed).flatMap(([name, isNeeded]) => (isNeeded ? [name] : []))
}

test.each([...written])(
  '%s is given the rate limiters that its operations ask, and no others',
  (worker, config) => {
    expect(bindingsOf(config)).toEqual(bindingsNeededBy(worker))
  },
)

test('both rate limiters are needed somewhere, and not everywhere', () => {
  const environmentsWith = (name: string) =>
    environments.filter(([worker]) => bindingsNeededBy(worker).includes(name))
  for (const name of Object.keys(BINDINGS)) {
    expect(environmentsWith(name).length).toBeGreaterThan(0)
    expect(environmentsWith(name).length).toBeLessThan(environments.length)
  }
})

test.each([...written])('the rate limiters of %s have the rates of the table', (_, { ratelimits = [] }) => {
  for (const { name, simple } of ratelimits) {
    const { rate, seconds } = BINDINGS[name as keyof typeof BINDINGS] // the test above allows no other name
    expect(simple).toEqual({ limit: rate, period: seconds })
  }
})

test('a rate limiter counts in one namespace, whichever Worker asks, and no two share one', () => {
  const all = [...written.values()].flatMap(({ ratelimits = [] }) => ratelimits)
  const namespaces = new Set(all.map(({ name, namespace_id }) => `${name} ${namespace_id}`))
  expect(namespaces.size).toBe(Object.keys(BINDINGS).length)
  expect(new Set(all.map(({ namespace_id }) => namespace_id)).size).toBe(Object.keys(BINDINGS).length)
})

describe('queues and crons', () => {
  const consuming = [...written].filter(([, { queues }]) => queues?.consumers?.length)

  test('are consumed by the all-in-one Worker and by jobs, alike, and by no one else', () => {
    expect(consuming.map(([worker]) => worker)).toEqual([ALL_IN_ONE, 'jobs'])
    const [all, jobs] = consuming.map(([, { queues, triggers }]) => ({
      consumers: queues?.consumers,
      triggers,
    }))
    expect(jobs).toEqual(all)
    for (const [worker, { triggers }] of written)
      if (worker !== ALL_IN_ONE && worker !== 'jobs') expect(triggers?.crons).toEqual([])
  })

  test('are those that src/jobs.ts has a handler for, and a dead letter has one too', () => {
    const consumers = topLevel.queues?.consumers ?? []
    expect(consumers.map(({ queue }) => queue).toSorted()).toEqual(Object.keys(QUEUES).toSorted())
    const dead = consumers.flatMap(({ dead_letter_queue }) => dead_letter_queue ?? [])
    expect(dead).toEqual(['latchkey-events-dead'])
    for (const queue of dead) expect(Object.keys(QUEUES)).toContain(queue)
    expect(topLevel.triggers?.crons).toEqual(Object.keys(CRONS))
  })

  test.each([...written])('%s tells the queue what happened', (_, { queues }) => {
    expect(queues?.producers).toContainEqual({ binding: 'EVENTS', queue: 'latchkey-events' })
  })
})

test('no fetch of a Worker reaches another Worker of the zone (CASES M01)', () => {
  for (const [worker] of written)
    expect(resolve(worker).compatibility_flags).toContain('global_fetch_strictly_public')
})

test('a route pattern covers its own path and what its star stands for, as Cloudflare matches', () => {
  expect(covers('auth.example.com', '/v1/login')).toBe(true)
  expect(covers('auth.example.com/v1/login', '/v1/login')).toBe(true)
  expect(covers('auth.example.com/v1/login', '/v1/login/x')).toBe(false)
  expect(covers('auth.example.com/v1/me*', '/v1/me')).toBe(true)
  expect(covers('auth.example.com/v1/sessions/*', '/v1/sessions')).toBe(false)
})
