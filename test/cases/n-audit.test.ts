/** CASES N03 and N05 in the audit log: every class of refused or anonymous attempt is there, and no secret is. */
import { afterEach, expect, test, vi } from 'vitest'
import { setFailures, WRONG } from '../support/attempts.ts'
import { findSecrets } from '../support/canaries.ts'
import {
  type Client,
  newClient,
  newEmail,
  PASSWORD,
  unknownRefreshToken,
  untilLimited,
} from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'

const stage = useStage()

afterEach(() => stage().queue.take())

const CLASSES: [what: string, type: string, code: string, attempt: (client: Client) => Promise<unknown>][] = [
  [
    'a wrong password',
    'session.refused',
    'invalid_credentials',
    async (client) => client.login((await client.newAccount()).email, WRONG),
  ],
  [
    'an unknown account',
    'session.refused',
    'invalid_credentials',
    (client) => client.login(newEmail(), WRONG),
  ],
  [
    'a password that no longer signs in',
    'session.refused',
    'password_disabled',
    async (client) => {
      const email = newEmail()
      await setFailures(stage().service, { tenant: client.tenant, email }, 100)
      return client.login(email, WRONG)
    },
  ],
  [
    'a taken address',
    'registration.refused',
    'email_taken',
    async (client) => client.register((await client.newAccount()).email),
  ],
  [
    'a password that everyone knows',
    'registration.refused',
    'password_compromised',
    (client) => client.register(newEmail(), 'password123'),
  ],
  [
    'a refresh token that does not exist',
    'refresh.refused',
    'invalid_grant',
    (client) => client.refresh(unknownRefreshToken()),
  ],
  ['no token', 'access.refused', 'missing_token', (client) => client.call('/v1/me')],
  ['no token that could be one', 'access.refused', 'invalid_token', (client) => client.me('no.valid.token')],
  [
    'a forged token',
    'access.refused',
    'invalid_token',
    async (client) => client.me(`${(await client.newAccount()).tokens.access_token.slice(0, -8)}AAAAAAAA`),
  ],
  [
    'a caller without the role',
    'access.refused',
    'insufficient_role',
    async (client) => {
      const { tokens } = await client.newAccount()
      return client.call('/v1/webhooks', { bearer: tokens.access_token })
    },
  ],
  [
    'a foreign page',
    'access.refused',
    'origin_not_allowed',
    (client) =>
      client.call('/v1/login', {
        json: { email: newEmail(), password: PASSWORD },
        headers: { origin: 'https://evil.example' },
      }),
  ],
  [
    'a forged Latchkey-Caller header',
    'access.refused',
    'invalid_caller',
    (client) => client.call('/v1/me', { headers: { 'latchkey-caller': 'v1;t=1;ip=192.0.2.1' } }),
  ],
  [
    'a guess while a delay runs',
    'limit.exceeded',
    'rate_limited',
    async (client) => {
      const email = newEmail()
      await setFailures(stage().service, { tenant: client.tenant, email }, 4)
      return untilLimited(() => client.login(email, WRONG))
    },
  ],
]

test.each(CLASSES)('N05 %s is in the audit log', async (_, type, code, attempt) => {
  const client = await newClient(stage().service)
  await attempt(client)
  await vi.waitFor(async () => {
    await stage().settle()
    const rows = await stage().audited(client.tenant)
    expect(rows.filter((row) => row.type === type).map(({ data }) => data.code)).toContain(code)
  }, 60_000)
  const [written] = await stage().service.sql<{ text: string }>(
    `select coalesce(string_agg(audit_events::text || coalesce(data::text, ''), ' '), '') as text
     from audit_events where tenant_id = $1`,
    [client.tenant.id],
  )
  expect(findSecrets(written?.text ?? '', [])).toEqual([])
  expect(written?.text).not.toContain(WRONG)
})
