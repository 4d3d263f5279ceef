/** Neon refuses before PostgreSQL is asked: never the caller's fault, never our bug, and the log says what to do. */
import { afterEach, describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { startService, useService } from '../support/service.ts'
import { LEAKED_SECRET } from '../support/upstream-failure.ts'

const service = useService()

afterEach(() => service().gates.postgres.set('open'))

/** Neon's own texts, and what our log makes of them. */
const REFUSALS: [said: string, meaning: RegExp][] = [
  ["password authentication failed for user 'latchkey'", /user or password of the connection string/],
  ['The endpoint has been disabled. Enable it using Neon API and retry.', /endpoint is disabled/],
  ['Your account or project has exceeded the compute time quota. Upgrade your plan.', /quota/],
  ['Your project has exceeded the data transfer quota.', /quota/],
  ["The requested endpoint could not be found, or you don't have access to it.", /no such endpoint/],
  ['This IP address 203.0.113.9 is not allowed to connect to this endpoint.', /does not allow our address/],
  ['Too many database connection attempts are currently ongoing', /too many connections/],
  ["Couldn't connect to compute node", /compute does not start/],
  [`something new about ${LEAKED_SECRET}`, /postgres answered HTTP 400 $/],
]

describe.each(REFUSALS)('piles 18: Neon says %j', (said, meaning) => {
  test('callers are told to come again, and the log says why', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    const before = service().logs().length
    service().gates.postgres.set({ refusal: said })
    const answers = [
      await client.login(email),
      await client.refresh(tokens.refresh_token),
      await client.me(tokens.access_token),
    ]
    for (const answer of answers) {
      expectProblem(answer, 'upstream_unavailable')
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const lines = service()
      .logs()
      .slice(before)
      .map((line) => JSON.parse(line))
    expect(lines).toHaveLength(3)
    for (const { level, cause } of lines) {
      expect(level).toBe('error')
      expect(cause).toMatch(meaning)
      expect(cause).not.toContain(LEAKED_SECRET)
    }
  })
})

/** SQLSTATEs of PostgreSQL itself that say the same. */
test.each(['08006', '28000', '28P01', '3D000', '53300', '57P01', '57P03', '25006'])(
  'piles 18: SQLSTATE %s is not internal_error',
  async (code) => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const raise = await service().connect()
    await raise.query(`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'no' using errcode = '${code}'; end $$`)
    await raise.query(
      'create trigger refuses before update on sessions for each row execute function refuse()',
    )
    try {
      expectProblem(await client.refresh(tokens.refresh_token), 'upstream_unavailable')
    } finally {
      await raise.query('drop trigger refuses on sessions; drop function refuse()')
      await raise.end()
    }
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200)
  },
)

test('piles 18: a Worker that looks for the audit log where it is not says which setting it lacks', async () => {
  const lacking = await startService({ beside: service(), bindings: { AUDIT_DATABASE_URL: undefined } })
  try {
    const client = await newClient(lacking)
    const { tokens } = await client.signUpAdmin()
    await service().sql('alter table audit_heads rename to heads_elsewhere')
    await service().sql('alter table audit_events rename to events_elsewhere')
    const answer = await client.call('/v1/admin/audit-events', { bearer: tokens.access_token })
    expectProblem(answer, 'upstream_unavailable')
    await lacking.consume()
  } finally {
    await service().sql('alter table heads_elsewhere rename to audit_heads')
    await service().sql('alter table events_elsewhere rename to audit_events')
    await lacking.stop()
  }
  const causes = lacking.logs().map((line) => JSON.parse(line).cause)
  expect(causes.filter((cause) => /does this Worker lack AUDIT_DATABASE_URL/.test(cause))).toHaveLength(2)
})

test('piles 18: a schema that is older than the release is said by name', async () => {
  const client = await newClient(service())
  const { tokens } = await client.signUp()
  await service().sql('alter table sessions rename column device_label to label_to_come')
  try {
    const answer = await client.call('/v1/sessions', { bearer: tokens.access_token })
    expectProblem(answer, 'upstream_unavailable')
  } finally {
    await service().sql('alter table sessions rename column label_to_come to device_label')
  }
  expect(service().logs().at(-1)).toContain('run npm run migrate')
})

test('piles 18: a rate-limit binding that fails lets everyone through where nothing is secret, and the log says so', async () => {
  const failing = await startService({ beside: service(), edgeLimiter: 'test/support/failing.worker.js' })
  try {
    const client = await newClient(failing)
    for (const path of [
      '/.well-known/jwks.json',
      '/.well-known/openid-configuration',
      '/healthz',
      '/link/forgot-password',
    ])
      expect((await client.call(path)).status, path).toBe(200)
    for (const line of failing.logs().filter((text) => text.includes('"message":"request"')))
      expect(JSON.parse(line)).toMatchObject({ limiter: 'degraded', limiter_policy: 'open' })
  } finally {
    await failing.stop()
  }
})
