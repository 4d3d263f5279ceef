/** A browser in which no one is signed in: a page that starts asks, and another one signs out all the same. */
import { describe, expect, test } from 'vitest'
import { type Client, newClient, unknownRefreshToken } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'
import { CLEARED, expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { backdateUse, countEvents, sessionRow } from '../support/sessions.ts'

const stage = useStage()
const GOOD = 'https://app.good.test'

const newPage = () => newClient(stage().service, { allowedOrigins: [GOOD] })

/** Runs `ask`, then what is an attempt: that alone is told, and no row is recorded. */
async function expectNoEvent(client: Client, ask: () => Promise<void>) {
  const recorded = () => stage().service.sql('select count(*)::int as events from events')
  const before = await recorded()
  stage().queue.take()
  await ask()
  await client.me('no.valid.token')
  await expect
    .poll(() => stage().messagesOf(client.tenant))
    .toMatchObject([{ attempt: { type: 'access.refused' } }])
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

  test.each(['ended', 'over', 'outlived', 'unknown', 'gone', 'broken'])(
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
      if (state === 'outlived')
        await sql('update users set access_valid_from = now() where id = $1', [user.id])
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
      if (state === 'over' || state === 'outlived')
        expect(await sessionRow(stage().service, session.id)).toMatchObject({ revoked_at: null })
    },
  )
})

/** Ends what a cookie stands for, in each way after which nothing brings it back. */
const DEAD = ['ended', 'over', 'outlived', 'unknown', 'gone', 'broken', 'copied'] as const

async function deadCookie(client: Client, state: (typeof DEAD)[number]): Promise<string> {
  const { tokens } = await client.newAccount()
  const { sql } = stage().service
  const { session, user } = tokens
  if (state === 'ended') await client.logout(tokens.refresh_token)
  if (state === 'over') await sql('update sessions set idle_expires_at = now() where id = $1', [session.id])
  if (state === 'outlived') await sql('update users set access_valid_from = now() where id = $1', [user.id])
  if (state === 'unknown') return `__Host-latchkey=${unknownRefreshToken()}`
  if (state === 'gone') await sql('delete from refresh_tokens where session_id = $1', [session.id])
  if (state === 'broken') return '__Host-latchkey=x'
  if (state === 'copied') {
    const { body } = await client.refresh(tokens.refresh_token)
    await client.refresh(body.refresh_token)
  }
  return `__Host-latchkey=${tokens.refresh_token}`
}

describe('clients 14: a refresh by a cookie that is worth nothing any more takes it away', () => {
  const refresh = (client: Client, cookie: string, headers: Record<string, string>) =>
    client.call('/v1/refresh', { method: 'POST', headers: { cookie, ...headers } })

  test.each(DEAD)('%s: 401 invalid_grant once, then no_session without a trip', async (state) => {
    const client = await newPage()
    const cookie = await deadCookie(client, state)
    for (const headers of [{ origin: GOOD }, { 'sec-fetch-site': 'same-origin' }]) {
      const answer = await refresh(client, cookie, headers as Record<string, string>)
      expectProblem(answer, 'invalid_grant', [CLEARED])
    }
    const next = await client.call('/v1/refresh', { method: 'POST', headers: { origin: GOOD } })
    expectProblem(next, 'no_session')
  })

  test('not that of a page which may not ask, and no cookie for a token in the body', async () => {
    const client = await newPage()
    const cookie = await deadCookie(client, 'ended')
    for (const headers of [{ origin: 'https://evil.test' }, { 'sec-fetch-site': 'cross-site' }, {}]) {
      const answer = await refresh(client, cookie, headers as Record<string, string>)
      expectProblem(answer, 'origin_not_allowed')
    }
    const alive = (await client.newAccount()).tokens.refresh_token
    const byBody = await client.call('/v1/refresh', {
      json: { refresh_token: unknownRefreshToken() },
      headers: { cookie: `__Host-latchkey=${alive}`, origin: GOOD },
    })
    expectProblem(byBody, 'invalid_grant')
  })

  test('not that of an account which may be enabled again, nor on the host of another tenant', async () => {
    const client = await newPage()
    const { tokens } = await client.newAccount()
    const cookie = `__Host-latchkey=${tokens.refresh_token}`
    const own = { 'sec-fetch-site': 'same-origin' }
    const setStatus = (status: string) =>
      stage().service.sql('update users set status = $2 where id = $1', [tokens.user.id, status])
    expectProblem(await refresh(await newPage(), cookie, own), 'invalid_grant')
    await setStatus('disabled')
    expectProblem(await refresh(client, cookie, own), 'invalid_grant')
    await setStatus('active')
    expect((await refresh(client, cookie, own)).status).toBe(200)
  })

  test('not that of a session that lives: after a lost answer it has a successor, and over a limit it stays', async () => {
    const client = await newPage()
    const { tokens } = await client.newAccount()
    const { service } = stage()
    const cookie = `__Host-latchkey=${tokens.refresh_token}`
    const own = { 'sec-fetch-site': 'same-origin' }
    expect((await refresh(client, cookie, own)).status).toBe(200)
    await backdateUse(service, tokens.session.id, 60)
    const again = await refresh(client, cookie, own)
    expect(again.status).toBe(200)
    expect(again.headers.getSetCookie()).toHaveLength(1)
    expect(again.headers.getSetCookie()).not.toContain(CLEARED)
    const successor = again.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    await service.sql(
      'update sessions set refreshes = 1000000, refreshes_counted_from = now() where id = $1',
      [tokens.session.id],
    )
    const limited = await refresh(client, successor, own)
    expectProblem(limited, 'rate_limited')
  })
})
