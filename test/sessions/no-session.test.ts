/** A browser in which no one is signed in: a page that starts asks, and another one signs out all the same. */
import { describe, expect, test } from 'vitest'
import { type Client, newClient, unknownRefreshToken } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { countEvents, sessionRow } from '../support/sessions.ts'

const stage = useStage()
const GOOD = 'https://app.good.test'
const CLEARED = '__Host-latchkey=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax'

const newPage = () => newClient(stage().service, { allowedOrigins: [GOOD] })

/** Runs `ask`, then what is an attempt: that alone is told, and no row is recorded. */
async function expectNoEvent(client: Client, ask: () => Promise<void>) {
  const recorded = () => stage().service.sql('select count(*)::int as events from events')
  const before = await recorded()
  stage().queue.take()
  await ask()
  await client.me('no.valid.token')
  await expect.poll(() => stage().queue.sent()).toMatchObject([{ attempt: { type: 'access.refused' } }])
  expect(await recorded()).toEqual(before)
}

describe('clients 14: a refresh with neither cookie nor token', () => {
  test('is 401 no_session without a trip, and no event', async () => {
    const client = await newPage()
    const { origin } = client.tenant
    const contexts: Record<string, string>[] = [
      {},
      { origin, 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'same-origin', cookie: 'theme=dark' },
    ]
    await expectNoEvent(client, async () => {
      for (const headers of contexts) {
        const answer = await client.call('/v1/refresh', { method: 'POST', headers })
        expectProblem(answer, 'no_session')
        expect(answer.headers.get('www-authenticate')).toBe('Bearer')
        expect(answer.trips).toEqual({ postgres: 0, redis: 0 })
      }
    })
  })

  test('may be read by a page that the tenant allows, which costs one query until the edge keeps the list', async () => {
    const client = await newPage()
    const headers = { origin: GOOD, 'sec-fetch-site': 'same-site' }
    for (const postgres of [1, 0]) {
      const before = stage().service.trips().postgres
      const answer = await client.call('/v1/refresh', { method: 'POST', headers })
      expectProblem(answer, 'no_session')
      expect(answer.headers.get('access-control-allow-origin')).toBe(GOOD)
      expect(stage().service.trips().postgres - before).toBe(postgres)
    }
    const stranger = await client.call('/v1/refresh', {
      method: 'POST',
      headers: { origin: 'https://evil.test' },
    })
    expectProblem(stranger, 'no_session')
    expect(stranger.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('clients 14: signing out with nothing left to end is 204', () => {
  test('where no one is signed in: nothing is asked, and nothing recorded', async () => {
    const client = await newPage()
    await expectNoEvent(client, async () => {
      for (const json of [undefined, {}, null]) {
        const answer = await client.call('/v1/logout', { method: 'POST', json })
        expect(answer).toMatchObject({ status: 204, body: '', trips: { postgres: 0, redis: 0 } })
        expectCommonHeaders(answer)
        expect(answer.headers.get('set-cookie')).toBeNull()
      }
    })
  })

  test('a page that the tenant allows may read that; another one is refused, and clears no cookie', async () => {
    const client = await newPage()
    const signOut = (headers: Record<string, string>) =>
      client.call('/v1/logout', { method: 'POST', headers: { cookie: 'theme=dark', ...headers } })
    for (const postgres of [1, 0]) {
      const answer = await signOut({ origin: GOOD })
      expect(answer).toMatchObject({ status: 204, trips: { postgres, redis: 0 } })
      expect(answer.headers.get('access-control-allow-origin')).toBe(GOOD)
    }
    for (const origin of ['https://evil.test', 'null', `${GOOD}.evil.test`])
      expectProblem(await signOut({ origin, 'sec-fetch-site': 'cross-site' }), 'origin_not_allowed')
  })

  test.each(['ended', 'over', 'unknown', 'gone', 'broken'])(
    'a cookie whose session is %s is taken away, and no event says that anything ended',
    async (state) => {
      const client = await newPage()
      const { tokens } = await client.newAccount()
      const { session, user } = tokens
      const { sql } = stage().service
      let token = tokens.refresh_token
      if (state === 'ended') await client.logout(token)
      if (state === 'over')
        await sql('update sessions set idle_expires_at = now() where id = $1', [session.id])
      if (state === 'unknown') token = unknownRefreshToken()
      if (state === 'gone') await sql('delete from refresh_tokens where session_id = $1', [session.id])
      if (state === 'broken') token = 'x'
      const before = await countEvents(stage().service, user.id)
      const cookie = `__Host-latchkey=${token}`
      for (const headers of [{ origin: GOOD }, { 'sec-fetch-site': 'same-origin' }]) {
        const answer = await client.call('/v1/logout', {
          method: 'POST',
          headers: { cookie, ...headers } as Record<string, string>,
        })
        expect({ status: answer.status, cookie: answer.headers.get('set-cookie') }).toEqual({
          status: 204,
          cookie: CLEARED,
        })
      }
      for (const headers of [{ origin: 'https://evil.test' }, { 'sec-fetch-site': 'cross-site' }, {}])
        expectProblem(
          await client.call('/v1/logout', {
            method: 'POST',
            headers: { cookie, ...headers } as Record<string, string>,
          }),
          'origin_not_allowed',
        )
      expect(await countEvents(stage().service, user.id)).toEqual(before)
      if (state === 'over')
        expect(await sessionRow(stage().service, session.id)).toMatchObject({ revoked_at: null })
    },
  )
})
