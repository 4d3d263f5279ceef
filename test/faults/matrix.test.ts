/**
 * Every operation × every fault of Redis and of PostgreSQL. What must happen is computed from the operation's row of
 * LIMITS; and whatever happens, no fault looks like a refusal, sets a cookie, keeps anyone waiting, or is a success
 * without its effect. What the fault broke works again when it is over.
 */
import { once } from 'node:events'
import http from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { LIMITS, type LimitedOperation, type Policy } from '../../src/limits/limits.ts'
import type { ProblemCode } from '../../src/problem.ts'
import { EVERY_OPERATION } from '../operations.ts'
import type { Answer } from '../support/client.ts'
import { countRows } from '../support/count-rows.ts'
import { expectCommonHeaders, expectProblem, statusOf } from '../support/expect.ts'
import type { FaultMode } from '../support/fault-proxy.ts'
import { useService } from '../support/service.ts'
import { type Attempt, type FaultedOperation, prepareStage, type Stage } from './callers.ts'
import { OPERATIONS } from './operations.ts'

type Upstream = 'redis' | 'postgres'

const DEADLINE_MS = { redis: 250, postgres: 500 }
/** What the machine may add when it is busy. Less than REQUEST_TIMEOUT_MS, or that would hide a missing deadline. */
const SLACK_MS = 3000

const patient = useService() // prepares what the hurried one is asked for
const hurried = useService({
  beside: () => patient(),
  bindings: {
    REDIS_TIMEOUT_MS: String(DEADLINE_MS.redis),
    POSTGRES_TIMEOUT_MS: String(DEADLINE_MS.postgres),
    REQUEST_TIMEOUT_MS: '8000',
  },
})

/** How many wait for a deadline at once: more would keep this machine from meeting that of the other upstream. */
const AT_ONCE = 8

/** As many; what is counted in the tenant of one is its own. */
let stages: Stage[]

beforeAll(async () => {
  stages = await Promise.all(Array.from({ length: AT_ONCE }, () => prepareStage(patient(), hurried())))
})

afterEach(() => {
  patient().gates.redis.set('open')
  patient().gates.postgres.set('open')
})

type Fault = {
  title: string
  upstream: Upstream
  /** What an operation answers that cannot do without. */
  code: 'upstream_unavailable' | 'upstream_timeout'
  /** Whether what was asked may have happened all the same. */
  mayTakeEffect: boolean
  /** What still works: everything but Redis's memory, or reading. */
  spares: 'nothing' | 'answers' | 'reads'
  begin(): Promise<void>
  end(): Promise<void>
  /** How many operations may meet it at once. */
  atOnce: number
  /** How much of what was asked met it; null where only the log tells, as when several are asked. */
  hits(): Promise<number | null>
}

const NAMES = { redis: 'Redis', postgres: 'PostgreSQL' }

function atGate(upstream: Upstream, does: string, mode: FaultMode, rest: Partial<Fault> = {}): Fault {
  const gate = () => patient().gates[upstream]
  return {
    title: `${NAMES[upstream]} ${does}`,
    upstream,
    code: 'upstream_unavailable',
    mayTakeEffect: false,
    spares: 'nothing',
    begin: async () => gate().set(mode),
    end: async () => gate().set('open'),
    atOnce: 1,
    hits: async () => gate().hits(),
    ...rest,
  }
}

/** Until its deadline, an operation waits. */
const late = { code: 'upstream_timeout', atOnce: AT_ONCE, hits: async () => null } as const
const lost = { mayTakeEffect: true }

const atEitherGate = (upstream: Upstream) => [
  atGate(upstream, 'refuses connections', 'refusing'),
  atGate(upstream, 'hangs', 'hanging', late),
  atGate(upstream, 'answers 500', 'error-500'),
  atGate(upstream, 'breaks off in the middle of its answer', 'cut', lost),
  atGate(upstream, 'does it, and its answer is lost', 'reset-after-commit', lost),
  atGate(upstream, 'is slower than its deadline', { delayMs: 10 * DEADLINE_MS[upstream] }, late),
]

const FAULTS: Fault[] = [
  ...atEitherGate('redis'),
  {
    ...atGate('redis', 'has lost everything', 'open'),
    spares: 'answers',
    begin: flushRedis,
    end: async () => {},
    hits: async () => null,
  },
  ...atEitherGate('postgres'),
  {
    ...atGate('postgres', 'only reads', 'open'),
    spares: 'reads',
    begin: () => setReadOnly(true),
    end: () => setReadOnly(false),
    hits: countPooled, // all of which began after the fault did
  },
]

/** On a connection of its own: those that are kept end whenever a gate is set. */
async function flushRedis(): Promise<void> {
  const { UPSTASH_REDIS_REST_URL: url = '', UPSTASH_REDIS_REST_TOKEN: token } = patient().bindings
  const headers = { authorization: `Bearer ${token}` }
  for (const command of [['FLUSHALL'], ['SCRIPT', 'FLUSH']]) {
    const request = http.request(url, { method: 'POST', headers, agent: false })
    const answered = once(request, 'response') as Promise<[http.IncomingMessage]> // as node:http documents it
    request.end(JSON.stringify(command))
    const [answer] = await answered
    expect(await json(answer)).toEqual({ result: 'OK' })
  }
}

/** A session has its default from when it began, so those of the endpoint's pool must begin anew. */
async function setReadOnly(isReadOnly: boolean): Promise<void> {
  const { sql, database } = patient()
  const setting = 'default_transaction_read_only'
  await sql(`alter database ${database} ${isReadOnly ? `set ${setting} = on` : `reset ${setting}`}`)
  await sql(`select pg_terminate_backend(pid) ${OF_THE_POOL}`, [database])
  await expect.poll(countPooled, { interval: 1, timeout: 60_000 }).toBe(0)
}

const OF_THE_POOL = "from pg_stat_activity where datname = $1 and application_name = 'neon-endpoint'"

async function countPooled(): Promise<number> {
  const { sql, database } = patient()
  const [row] = await sql<{ count: number }>(`select count(*)::int as count ${OF_THE_POOL}`, [database])
  return row?.count ?? 0
}

type Expectation = {
  /** The policy, or why there is none to follow. */
  because: string
  /** Null for success. */
  code: ProblemCode | null
  /** Whether a request of the operation meets the fault. */
  isMet: boolean
  /** What the request's log line says; `undefined` for what it must not say. */
  log: Record<string, unknown>
}

function expectationOf(row: LimitedOperation, operation: FaultedOperation, fault: Fault): Expectation {
  const policy: Policy = LIMITS[row]
  return fault.upstream === 'redis'
    ? withoutRedis(policy, operation, fault)
    : withoutPostgres(policy, operation, fault)
}

function withoutRedis(policy: Policy, { lost }: FaultedOperation, { code, spares }: Fault): Expectation {
  const because = policy.withoutRedis
  // What the edge keeps is answered before it is counted.
  const edge = policy.withoutPostgres !== 'edge' && policy.edge && { limiter: 'allowed' }
  if (because === 'unused') return { because, code: null, isMet: false, log: { ...edge, redis_trips: 0 } }
  // Counting takes the script a second trip when Redis has lost that as well.
  const anew = { limiter: 'allowed', redis_trips: policy.redis ? 2 : 1 }
  if (spares === 'answers') return { because: 'counts anew', code: lost ?? null, isMet: true, log: anew }
  if (because === 'closed') return { because, code, isMet: true, log: { ...edge } }
  const log = { limiter: 'degraded', limiter_policy: because, redis_trips: 1 }
  return { because, code: null, isMet: true, log }
}

function withoutPostgres(policy: Policy, operation: FaultedOperation, { code, spares }: Fault): Expectation {
  const because = policy.withoutPostgres
  if (because === 'unused' || (because === 'edge' && operation.isKept))
    return { because, code: null, isMet: false, log: { postgres_trips: 0 } }
  const log = { limiter_policy: undefined } // Redis is there
  if (spares === 'reads' && !operation.writes) return { because: 'reads go on', code: null, isMet: true, log }
  return { because: because === 'edge' ? 'nothing kept, so closed' : because, code, isMet: true, log }
}

type Row = { title: string; operation: FaultedOperation; expectation: Expectation }

const rowsOf = (fault: Fault): Row[] =>
  Object.keys(LIMITS).flatMap((name) => {
    const row = name as LimitedOperation // the keys of LIMITS are what that type is made of
    return (OPERATIONS[row] ?? []).map((operation) => {
      const expectation = expectationOf(row, operation, fault)
      return { title: `${operation.title} × ${fault.title}: ${expectation.because}`, operation, expectation }
    })
  })

test('every operation that the document has is one here, and its form is one with its page', () => {
  const here = Object.values(OPERATIONS).flatMap((ofRow) => ofRow.map(({ title }) => title.split(' ')[0]))
  const documented = EVERY_OPERATION.filter(({ isPage }) => !isPage).map(({ id }) => id)
  expect(documented.filter((id) => !here.includes(id))).toEqual([])
})

describe('the matrix', () => {
  describe.each(FAULTS)('$title', (fault) => {
    const rows = rowsOf(fault)
    const tried = new Map<Row, Promise<void>>()

    test.each(rows)('$title', async (row) => {
      const group = Math.floor(rows.indexOf(row) / fault.atOnce) * fault.atOnce
      if (!tried.has(row)) await tryTogether(fault, rows.slice(group, group + fault.atOnce), tried)
      await tried.get(row)
    })
  })
})

/** They are prepared, the fault begins, each is called, the fault ends. What came of each is for its own test. */
async function tryTogether(fault: Fault, rows: Row[], tried: Map<Row, Promise<void>>): Promise<void> {
  const prepared = rows.map((row, at) => prepareIn(stages[at], row))
  await Promise.allSettled(prepared)
  await fault.begin()
  const answered = prepared.map(async (one) => ({ ...(await one), answer: await inTime(fault, await one) }))
  await Promise.allSettled(answered)
  const hits = await fault.hits()
  await fault.end()
  rows.forEach((row, at) => {
    tried.set(
      row,
      Promise.resolve(answered[at]).then((one) => one && expectAsPromised(fault, row, { ...one, hits })),
    )
  })
  await Promise.allSettled(tried.values())
}

type Prepared = { stage: Stage; attempt: Attempt; before: Awaited<ReturnType<typeof countRows>> }

async function prepareIn(stage: Stage | undefined, { operation }: Row): Promise<Prepared> {
  if (!stage) throw new Error('there are fewer stages than rows')
  const attempt = await operation.prepare(stage)
  expect(await effectOf(attempt), 'nothing has happened yet').not.toBe('whole')
  return { stage, attempt, before: await countRows(patient(), stage.tenant) }
}

/** The answer; fails when there is none inside the deadline. */
async function inTime({ upstream }: Fault, { attempt }: Prepared): Promise<Answer<unknown>> {
  const late = new AbortController()
  const patience = DEADLINE_MS[upstream] + SLACK_MS
  const giveUp = wait(patience, undefined, { signal: late.signal }).then(() => {
    throw new Error(`no answer in ${patience} ms`)
  })
  try {
    return await Promise.race([attempt.call(), giveUp])
  } finally {
    late.abort()
  }
}

type Outcome = Prepared & { answer: Answer<unknown>; hits: number | null }

async function expectAsPromised(
  fault: Fault,
  { operation, expectation }: Row,
  { stage, attempt, before, answer, hits }: Outcome,
): Promise<void> {
  if (expectation.code === null || expectation.code !== operation.lost) expectSound(answer, operation)
  if (hits !== null) expect(hits > 0, 'the fault is met').toBe(expectation.isMet)
  if (expectation.code === null) expectSuccess(answer, attempt)
  else expectFailure(answer, operation, { code: expectation.code, upstream: fault.upstream })
  const effect = await effectOf(attempt)
  const mayWrite = operation.writes && (answer.status < 300 || fault.mayTakeEffect)
  if (answer.status < 300) expect(effect, 'what succeeded has happened').not.toBe('none')
  if (!mayWrite) expect(effect, 'what failed has not happened').not.toBe('whole')
  if (!mayWrite) expect(await countRows(patient(), stage.tenant)).toEqual(before)
  await expectLogged(answer, { ...expectation.log, status: answer.status })

  const isSpent = operation.lost !== undefined || (effect === 'whole' && !operation.repeats)
  const again = isSpent ? await operation.prepare(stage) : attempt
  expectSuccess(await again.call(), again)
  expect(await effectOf(again), 'the effect, when the fault is over').not.toBe('none')
}

const FAULT_CODES = ['internal_error', 'upstream_unavailable', 'upstream_timeout', 'overloaded']

/** What holds of every answer, whatever was expected of it. */
function expectSound(answer: Answer<unknown>, { reports, isPage }: FaultedOperation): void {
  if (answer.status < 400) return // a redirect is what some are for
  expect([500, 503, 504], JSON.stringify(answer.body)).toContain(answer.status)
  expect(answer.headers.getSetCookie()).toEqual([])
  expect(answer.headers.has('www-authenticate')).toBe(false)
  if (isPage) return void expect(answer.headers.get('cache-control')).toBe('no-store') // its policy is its own
  expectCommonHeaders(answer)
  if (reports) return
  const { code } = answer.body as { code: ProblemCode } // or the next line fails
  expect(FAULT_CODES).toContain(code)
  expectProblem(answer, code)
}

function expectSuccess(answer: Answer<unknown>, { success: { cookie, ...rest } }: Attempt): void {
  expect(answer).toMatchObject(rest)
  expect(answer.headers.getSetCookie()[0] ?? '').toMatch(cookie ?? /^$/)
}

function expectFailure(
  answer: Answer<unknown>,
  { reports, isPage }: FaultedOperation,
  { code, upstream }: { code: ProblemCode; upstream: Upstream },
): void {
  if (isPage) {
    expect(answer).toMatchObject({ status: statusOf(code), body: expect.stringContaining('role="alert"') })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    return
  }
  if (!reports) return void expectProblem(answer, code)
  const body = { status: 'failed', postgres: 'ok', redis: 'ok', [upstream]: 'failed' }
  expect(answer).toMatchObject({ status: 503, body })
}

/** Never a part of the effect; `nothing` of a call that has none. */
async function effectOf(attempt: Attempt): Promise<'whole' | 'none' | 'nothing'> {
  const facts = await attempt.facts()
  const values = new Set(Object.values(facts))
  expect(values.size, JSON.stringify(facts)).toBeLessThan(2)
  if (values.size === 0) return 'nothing'
  return values.has(true) ? 'whole' : 'none'
}

/** What the request's one log line says; `undefined` for what it must not say. */
async function expectLogged({ headers }: Answer<unknown>, fields: Record<string, unknown>): Promise<void> {
  const id = headers.get('x-request-id') ?? 'none'
  const find = () =>
    hurried()
      .logs()
      .findLast((line) => line.includes(id) && line.includes('"message":"request"'))
  await expect.poll(find, { timeout: 60_000, interval: 5 }).toBeDefined()
  const logged = JSON.parse(find() ?? '')
  for (const [name, value] of Object.entries(fields)) expect(logged[name], name).toBe(value)
}
