/**
 * wrangler.toml against the code: what each Worker is routed, given and made of. An environment silently inherits
 * `routes` and `triggers` from the top level (and would take over the whole domain) and silently lacks `secrets`,
 * so each must say its own; and together they must answer exactly what the all-in-one Worker answers.
 */
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import {
  ALL_IN_ONE,
  covers,
  environmentOf,
  type Operation,
  patternsOf,
  readWorkers,
  type WorkerCode,
} from '../../ops/routes.ts'

const written = readWorkers()
const topLevel = written.get(ALL_IN_ONE) ?? {}
const environments = [...written].filter(([worker]) => worker !== ALL_IN_ONE)
// In a process of its own: Vite cannot load the Workers' .wasm and .txt, Node can be taught to.
const code: Record<string, WorkerCode> = JSON.parse(
  execFileSync(process.execPath, ['ops/routes.ts', '--json'], { encoding: 'utf8' }),
)

const operationsOf = (worker: string): Operation[] => code[worker]?.operations ?? []
const everyOperation = operationsOf(ALL_IN_ONE)
const nameOf = ({ method, path }: Operation) => `${method} ${path}`
/** A path as a caller writes it: `/v1/sessions/:id` becomes `/v1/sessions/x`. */
const samplePath = (operation: Operation) => operation.path.replaceAll(/:\w+/g, 'x')
const takes = (worker: string, operation: Operation) =>
  patternsOf(written.get(worker) ?? {}).some((pattern) => covers(pattern, samplePath(operation)))

/** What wrangler makes of it, inheritance and all. */
const resolve = (worker: string) =>
  unstable_readConfig({ config: 'wrangler.toml', env: environmentOf(worker) }, { hideWarnings: true })

test('there is at least one environment, and the all-in-one Worker has operations', () => {
  expect(environments.length).toBeGreaterThan(0)
  expect(everyOperation.length).toBeGreaterThan(0)
})

test.each(environments)('[env.%s] states what it would inherit or lack', (_, environment) => {
  const stated = Object.keys(environment)
  for (const key of ['name', 'main', 'routes', 'triggers', 'secrets', 'version_metadata'])
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
    const routed = environments.map(([worker]) => worker).filter((worker) => takes(worker, operation))
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

test('a route pattern covers its own path and what its star stands for, as Cloudflare matches', () => {
  expect(covers('auth.example.com', '/v1/login')).toBe(true)
  expect(covers('auth.example.com/v1/login', '/v1/login')).toBe(true)
  expect(covers('auth.example.com/v1/login', '/v1/login/x')).toBe(false)
  expect(covers('auth.example.com/v1/me*', '/v1/me')).toBe(true)
  expect(covers('auth.example.com/v1/sessions/*', '/v1/sessions')).toBe(false)
})
