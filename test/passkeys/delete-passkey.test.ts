import { describe, expect, test } from 'vitest'
import { type Client, countBy, newClient, race, type Tokens } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { attemptSignIn } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, {
  method: 'DELETE',
  path: '/v1/passkeys/:id',
  allow: 'PATCH, DELETE',
  caller: 'bearer',
})

async function newOwner() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  return { client, email, tokens, ...(await client.plantedPasskey(tokens)) }
}

const remove = (client: Client, { access_token: bearer }: Tokens, id: string) =>
  client.call(`/v1/passkeys/${id}`, { method: 'DELETE', bearer })

const ownedBy = async ({ user }: Tokens) => {
  const rows = await service().sql<{ id: string }>('select id from passkeys where user_id = $1', [user.id])
  return rows.map(({ id }) => id)
}

/** Leaves an account with what `kept` says, besides its passkeys. */
async function leave({ user }: Tokens, kept: { password: boolean; proved: boolean }) {
  const { sql } = service()
  if (!kept.password) await sql('delete from passwords where user_id = $1', [user.id])
  if (kept.proved) await sql('update users set email_verified_at = now() where id = $1', [user.id])
}

describe('accepts', () => {
  test('takes it away, and answers what the browser is told to forget it by', async () => {
    const { client, tokens, id, passkey } = await newOwner()
    await client.me(tokens.access_token)
    const answer = await remove(client, tokens, id)
    expectCommonHeaders(answer)
    expect(answer).toMatchObject({ status: 200, trips: { redis: 1, postgres: 1 } })
    expect(answer.body).toEqual({
      rp_id: new URL(client.tenant.origin).hostname,
      credential_id: passkey.id.toString('base64url'),
    })
    expectProblem((await attemptSignIn(client, passkey)).answer, 'invalid_passkey')
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'passkey.removed': 1 })
  })

  test('ends every other session: one of them may have begun with it', async () => {
    const { client, email, tokens, id, passkey } = await newOwner()
    const { body: begun } = (await attemptSignIn(client, passkey)).answer
    const other = await client.signIn(email)
    expect((await remove(client, tokens, id)).status).toBe(200)
    for (const { access_token, refresh_token } of [begun, other]) {
      expectProblem(await client.me(access_token), 'invalid_token')
      expectProblem(await client.refresh(refresh_token), 'invalid_grant')
    }
    expect((await client.me(tokens.access_token)).status).toBe(200)
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200)
  })
})

describe('refuses', () => {
  test('a caller who signed in more than ten minutes ago', async () => {
    const { client, tokens, id } = await newOwner()
    await service().sql("update sessions set auth_time = now() - interval '11 minutes' where id = $1", [
      tokens.session.id,
    ])
    const { body: late } = await client.refresh(tokens.refresh_token)
    expectProblem(await remove(client, late, id), 'insufficient_user_authentication')
    expect(await ownedBy(tokens)).toEqual([id])
  })

  test('an id that no one has, or that is none, and one that is gone', async () => {
    const { client, tokens, id } = await newOwner()
    for (const unknown of [crypto.randomUUID(), 'x', '%00', id.toUpperCase()])
      expectProblem(await remove(client, tokens, unknown), 'not_found')
    expect((await remove(client, tokens, id)).status).toBe(200)
    expectProblem(await remove(client, tokens, id), 'not_found')
  })

  test('the last way in: without a password and a proved address, the last passkey stays', async () => {
    const { client, tokens, id } = await newOwner()
    const { id: second } = await client.plantedPasskey(tokens)
    await leave(tokens, { password: false, proved: false })
    expect((await remove(client, tokens, second)).status).toBe(200)
    expectProblem(await remove(client, tokens, id), 'last_way_in')
    expect(await ownedBy(tokens)).toEqual([id])
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'passkey.removed': 1 })
  })

  test.each([
    { password: true, proved: false },
    { password: false, proved: true },
  ])('not where the account has another: %o', async (kept) => {
    const { client, tokens, id } = await newOwner()
    await leave(tokens, kept)
    expect((await remove(client, tokens, id)).status).toBe(200)
  })

  test('all but one of 50 passkeys that are taken away at once, where nothing else opens the account', async () => {
    const { client, tokens, id } = await newOwner()
    const ids = [id]
    for (let n = 1; n < 50; n++) ids.push((await client.plantedPasskey(tokens)).id)
    await leave(tokens, { password: false, proved: false })
    const answers = await race(ids.length, (n) => remove(client, tokens, ids[n] ?? ''))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 49, 409: 1 })
    expect(await ownedBy(tokens)).toHaveLength(1)
  })
})
