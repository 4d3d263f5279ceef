import { describe, expect, test } from 'vitest'
import { type Client, newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import { countEvents, sessionRow } from '../support/sessions.ts'

const service = useLentService()

everyRoute(service, { method: 'DELETE', path: '/v1/sessions/:id', allow: 'DELETE', caller: 'bearer' })

const revoke = (client: Client, bearer: string, id: string) =>
  client.call(`/v1/sessions/${id}`, { method: 'DELETE', bearer })

async function twoSessions() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  return { client, tokens, other: await client.signIn(email) }
}

describe('accepts', () => {
  test('ends one session at once: its refresh token and its access token', async () => {
    const { client, tokens, other } = await twoSessions()
    const answer = await revoke(client, tokens.access_token, other.session.id)
    expect(answer).toMatchObject({ status: 204, body: '' })
    expectCommonHeaders(answer)
    expectProblem(await client.refresh(other.refresh_token), 'invalid_grant')
    expectProblem(await client.me(other.access_token), 'invalid_token')
    const { body } = await client.listSessions(tokens.access_token)
    expect(body.data.map(({ id }) => id)).toEqual([tokens.session.id])
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'session.revoked': 1 })
  })

  test("the caller's own session", async () => {
    const { client, tokens, other } = await twoSessions()
    expect((await revoke(client, tokens.access_token, tokens.session.id)).status).toBe(204)
    expectProblem(await client.me(tokens.access_token), 'invalid_token')
    expect((await client.me(other.access_token)).status).toBe(200)
  })

  test('one that has already ended, without recording it twice', async () => {
    const { client, tokens, other } = await twoSessions()
    const answers = await race(5, () => revoke(client, tokens.access_token, other.session.id))
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204, 204])
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'session.revoked': 1 })
  })
})

describe('refuses', () => {
  test('an id that no one has, or that is none', async () => {
    const { client, tokens } = await twoSessions()
    for (const id of [
      crypto.randomUUID(),
      'x',
      '%00',
      `${tokens.session.id}x`,
      tokens.session.id.toUpperCase(),
    ])
      expectProblem(await revoke(client, tokens.access_token, id), 'not_found')
    expect((await client.me(tokens.access_token)).status).toBe(200)
  })
})

describe('attacks', () => {
  test("someone else's session by its id: 404, and it lives (CASES B07)", async () => {
    const { client, tokens } = await twoSessions()
    const { tokens: victim } = await client.signUp()
    expectProblem(await revoke(client, tokens.access_token, victim.session.id), 'not_found')
    expect((await sessionRow(service(), victim.session.id)).revoked_at).toBeNull()
    expect((await client.refresh(victim.refresh_token)).status).toBe(200)
  })

  test('a session that has ended cannot end others', async () => {
    const { client, tokens, other } = await twoSessions()
    await client.logout(other.refresh_token)
    expectProblem(await revoke(client, other.access_token, tokens.session.id), 'invalid_token')
    expect((await client.me(tokens.access_token)).status).toBe(200)
  })
})
