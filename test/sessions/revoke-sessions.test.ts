import { describe, expect, test } from 'vitest'
import { type Client, countBy, newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import { sessionRow } from '../support/sessions.ts'

const service = useLentService()

everyRoute(service, { method: 'DELETE', path: '/v1/sessions', allow: 'GET, HEAD, DELETE', caller: 'bearer' })

const revokeAll = (client: Client, bearer: string, query = '') =>
  client.call(`/v1/sessions${query}`, { method: 'DELETE', bearer })

async function threeSessions() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  return {
    client,
    email,
    sessions: [tokens, await client.signIn(email), await client.signIn(email)] as const,
  }
}

describe('accepts', () => {
  test('ends every session of the caller, the one that asks included', async () => {
    const { client, sessions } = await threeSessions()
    const answer = await revokeAll(client, sessions[1].access_token)
    expect(answer).toMatchObject({ status: 204, body: '' })
    expectCommonHeaders(answer)
    for (const { refresh_token, access_token } of sessions) {
      expectProblem(await client.refresh(refresh_token), 'invalid_grant')
      expectProblem(await client.me(access_token), 'invalid_token')
    }
  })

  test('spares the session that asks with ?except=current', async () => {
    const { client, sessions } = await threeSessions()
    const [first, current, third] = sessions
    expect((await revokeAll(client, current.access_token, '?except=current')).status).toBe(204)
    const { body } = await client.listSessions(current.access_token)
    expect(body.data.map(({ id }) => id)).toEqual([current.session.id])
    for (const { refresh_token } of [first, third])
      expectProblem(await client.refresh(refresh_token), 'invalid_grant')
    expect((await client.refresh(current.refresh_token)).status).toBe(200)
  })

  test('records one event that names every session that ended', async () => {
    const { client, sessions } = await threeSessions()
    const [current, ...others] = sessions
    await revokeAll(client, current.access_token, '?except=current')
    await revokeAll(client, current.access_token, '?except=current')
    const recorded = await service().sql<{ data: { session_ids: string[] } }>(
      "select data from events where subject = $1 and type = 'session.revoked'",
      [current.user.id],
    )
    const expected = others.map(({ session }) => session.id).sort()
    expect(recorded.map(({ data }) => data.session_ids.sort())).toEqual([expected])
  })

  test('20 at once, from three sessions, against refreshes: no deadlock, nothing of them lives', async () => {
    const { client, sessions } = await threeSessions()
    const answers = await race(40, (index) => {
      const session = sessions[index % 3] ?? sessions[0]
      return index % 2 === 0 ? revokeAll(client, session.access_token) : client.refresh(session.refresh_token)
    })
    for (const status of Object.keys(countBy(answers, ({ status }) => status)))
      expect(Number(status)).toBeLessThan(500)
    for (const { session } of sessions)
      expect((await sessionRow(service(), session.id)).revoked_at).not.toBeNull()
  })
})

describe('refuses', () => {
  test('anything but except=current, and ends nothing', async () => {
    const { client, sessions } = await threeSessions()
    const [current] = sessions
    expectInvalidInput(await revokeAll(client, current.access_token, '?except=others'), {
      '/except': 'not_allowed',
    })
    expectInvalidInput(await revokeAll(client, current.access_token, '?exept=current'), {
      '/exept': 'unknown_field',
    })
    const twice = await revokeAll(client, current.access_token, '?except=current&except=current')
    expectInvalidInput(twice, { '/except': 'repeated' })
    expect((await client.listSessions(current.access_token)).body.data).toHaveLength(3)
  })
})

describe('attacks', () => {
  test("no one else's sessions end, in this tenant or another", async () => {
    const { client, sessions } = await threeSessions()
    const { tokens: neighbour } = await client.signUp()
    const elsewhere = await newClient(service())
    const { tokens: foreigner } = await elsewhere.signUp()
    await revokeAll(client, sessions[0].access_token)
    expect((await client.refresh(neighbour.refresh_token)).status).toBe(200)
    expect((await elsewhere.refresh(foreigner.refresh_token)).status).toBe(200)
  })
})
