/** Operations that need a sign-in of the last ten minutes (RFC 9470), and how a session comes to have one again. */
import { describe, expect, test } from 'vitest'
import { EVERY_OPERATION } from '../operations.ts'
import { type Answer, type Client, newClient, PASSWORD, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

type Call = (client: Client, tokens: Tokens) => Promise<Answer<unknown>>
/** Makes what the call needs to be there. */
type Prepare = (client: Client, tokens: Tokens) => Promise<() => Promise<Answer<unknown>>>

/** Other ways to call them, on which the demand is made elsewhere in the code. */
const OTHER_WAYS: [title: string, call: Call][] = [
  [
    'GET /v1/admin/audit-events as an export',
    (client, { access_token: bearer }) =>
      client.call('/v1/admin/audit-events', { bearer, headers: { accept: 'application/x-ndjson' } }),
  ],
  [
    'POST /v1/webhooks with an Idempotency-Key',
    (client, { access_token: bearer }) =>
      client.call('/v1/webhooks', {
        bearer,
        json: { url: 'http://127.0.0.1:9/new', events: ['*'] },
        headers: { 'idempotency-key': '0199aaaa-0000-7000-8000-000000000000' },
      }),
  ],
  [
    'PATCH /v1/webhooks/:id to another URL',
    (client, { access_token: bearer, session }) =>
      client.call(`/v1/webhooks/${session.id}`, {
        method: 'PATCH',
        bearer,
        json: { url: 'http://127.0.0.1:9/elsewhere' },
      }),
  ],
]

const DEMANDING: [title: string, prepare: Prepare][] = [
  ...EVERY_OPERATION.filter(({ stepUp }) => stepUp).map(({ name, prepare }): [string, Prepare] => [
    name,
    prepare,
  ]),
  ...OTHER_WAYS.map(([name, call]): [string, Prepare] => [
    name,
    async (...of) =>
      () =>
        call(...of),
  ]),
]

/** Signed in so long ago, by the database's clock, and refreshed since. */
async function signedInAgo(client: Client, { session, refresh_token }: Tokens, interval: string) {
  const set = `update sessions set auth_time = now() - $2::interval where id = $1`
  await service().sql(set, [session.id, interval])
  const { status, body } = await client.refresh(refresh_token)
  expect(status).toBe(200)
  return body
}

const claimsOf = ({ access_token }: Pick<Tokens, 'access_token'>) =>
  JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString())

const confirm = (client: Client, { access_token }: Tokens, password = PASSWORD) =>
  client.call<Tokens>('/v1/password/confirm', { bearer: access_token, json: { password } })

/** What any of the operations would leave. */
const stored = (client: Client) =>
  service().sql(
    `select (select count(*) from users where tenant_id = $1) as users,
       (select count(*) from one_time_tokens where tenant_id = $1) as one_time_tokens,
       (select count(*) from events where tenant_id = $1) as events,
       (select md5(string_agg(p::text, '')) from passwords p where tenant_id = $1) as passwords,
       (select md5(string_agg(w::text, '' order by id)) from webhook_endpoints w where tenant_id = $1) as webhooks,
       (select count(*) from users where tenant_id = $1 and deleted_at is not null) as closed`,
    [client.tenant.id],
  )

async function newCaller() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUpAdmin()
  return { client, email, tokens }
}

const rows = DEMANDING.map(([name, prepare]) => {
  const line = 'accounts 10' // the line of issue 11 that asks for those of the audit log and of webhooks
  return [/audit-events|webhooks/.test(name) ? `${line}: ${name}` : name, prepare] as const
})

describe.each(rows)('%s', (_, prepare) => {
  const call: Call = async (...of) => (await prepare(...of))()

  test('is refused eleven minutes after the sign-in, changes nothing, and says what it needs', async () => {
    const { client, tokens } = await newCaller()
    const old = await signedInAgo(client, tokens, '11 minutes')
    const ask = await prepare(client, old)
    const before = await stored(client)
    const answer = await ask()
    expectProblem(answer, 'insufficient_user_authentication')
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="aal2 aal1", max_age="600"',
    )
    expect(await stored(client)).toEqual(before)
  })

  test('house 1: is refused, and changes nothing, where the session is older than its token says', async () => {
    const { client, tokens } = await newCaller()
    await service().sql(`update sessions set auth_time = now() - interval '11 minutes' where id = $1`, [
      tokens.session.id,
    ])
    const asking = await Promise.all(Array.from({ length: 5 }, () => prepare(client, tokens)))
    const before = await stored(client)
    const answers = await Promise.all(asking.map((ask) => ask()))
    for (const answer of answers) {
      expectProblem(answer, 'insufficient_user_authentication')
      expect(answer.headers.get('www-authenticate')).toBe(
        'Bearer error="insufficient_user_authentication", acr_values="aal1 aal2", max_age="600"',
      )
    }
    expect(await stored(client)).toEqual(before)
  })

  test('factors 7: is refused to a session that owes a second factor, which the refusal asks for', async () => {
    const { client, tokens } = await newCaller()
    await service().sql('update users set second_factor_since = now() where id = $1', [tokens.user.id])
    // Some calls are made with a factor that is planted for them: the session began after that one too.
    await service().sql(`update sessions set created_at = now() + interval '1 hour' where id = $1`, [
      tokens.session.id,
    ])
    const ask = await prepare(client, tokens)
    const before = await stored(client)
    const answer = await ask()
    expectProblem(answer, 'insufficient_user_authentication')
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="600"',
    )
    expect(await stored(client)).toEqual(before)
  })

  test('is taken once the password was confirmed', async () => {
    const { client, tokens } = await newCaller()
    const old = await signedInAgo(client, tokens, '11 minutes')
    const { status, body } = await confirm(client, old)
    expect(status).toBe(200)
    expect((await call(client, body)).status).toBeLessThan(300)
  })

  test('is taken nine minutes after the sign-in', async () => {
    const { client, tokens } = await newCaller()
    const recent = await signedInAgo(client, tokens, '9 minutes')
    expect((await call(client, recent)).status).toBeLessThan(300)
  })

  test('is refused to the token from before the confirmation, and to another session of the person', async () => {
    const { client, email, tokens } = await newCaller()
    const old = await signedInAgo(client, tokens, '11 minutes')
    const other = await signedInAgo(client, await client.signIn(email), '11 minutes')
    expect((await confirm(client, old)).status).toBe(200)
    for (const stale of [old, other])
      expectProblem(await call(client, stale), 'insufficient_user_authentication')
  })

  test('is refused to who confirms with a wrong password, or with that of someone else', async () => {
    const { client, tokens } = await newCaller()
    const old = await signedInAgo(client, tokens, '11 minutes')
    expectProblem(await confirm(client, old, 'not the password'), 'invalid_credentials')
    expectProblem(await call(client, old), 'insufficient_user_authentication')
    const { body } = await client.refresh(old.refresh_token)
    expectProblem(await call(client, body), 'insufficient_user_authentication')
  })
})

describe('a refresh', () => {
  test('does not make a sign-in any newer', async () => {
    const { client, tokens } = await newCaller()
    const { auth_time } = claimsOf(tokens)
    const refreshed = await client.refresh(tokens.refresh_token)
    expect(claimsOf(refreshed.body).auth_time).toBe(auth_time)
  })

  test('after a confirmation says when that was, and no new refresh token came with it', async () => {
    const { client, tokens } = await newCaller()
    const old = await signedInAgo(client, tokens, '11 minutes')
    const { body } = await confirm(client, old)
    expect(body.refresh_token).toBeUndefined()
    expect(claimsOf(body).auth_time - claimsOf(old).auth_time).toBeGreaterThanOrEqual(660)
    const refreshed = await client.refresh(old.refresh_token)
    expect(claimsOf(refreshed.body).auth_time).toBe(claimsOf(body).auth_time)
  })
})

test('no other operation of a caller wants a recent sign-in', async () => {
  const others = EVERY_OPERATION.filter(({ caller, stepUp }) => /^(user|admin)$/.test(caller) && !stepUp)
  expect(others.length).toBeGreaterThan(5)
  for (const { name, call } of others) {
    const { client, tokens } = await newCaller()
    const old = await signedInAgo(client, tokens, '11 minutes')
    expect((await call(client, old)).status, name).toBeLessThan(300)
  }
})
