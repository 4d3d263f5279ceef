/**
 * The limit of a session's refreshes: each has a token of its own, so PostgreSQL counts them, on the row that each
 * rotation locks. A refused token is not used: it works as soon as there is room.
 */
import { describe, expect, test } from 'vitest'
import { type Client, createClient, race, type Tokens } from '../support/client.ts'
import { generations } from '../support/sessions.ts'
import { countersOf, expectRateLimited, statuses, useLimited } from '../support/windows.ts'

const limited = useLimited()
const from = (): Client => createClient(limited().service, limited().tenant)
const newCaller = async (): Promise<Tokens> => (await from().newAccount()).tokens

type Counted = { refreshes: number; age_seconds: number }

async function countedOf(sessionId: string): Promise<Counted> {
  const [row] = await limited().service.sql<Counted>(
    `select refreshes, extract(epoch from now() - refreshes_counted_from)::int as age_seconds
     from sessions where id = $1`,
    [sessionId],
  )
  if (!row) throw new Error(`there is no session ${sessionId}`)
  return row
}

/** As if so many rotations had been counted, beginning so many seconds ago. */
const setCounted = (sessionId: string, refreshes: number, secondsAgo: number) =>
  limited().service.sql(
    'update sessions set refreshes = $2, refreshes_counted_from = now() - make_interval(secs => $3) where id = $1',
    [sessionId, refreshes, secondsAgo],
  )

describe('refresh: 60 a minute for a session', () => {
  test('lets exactly 60 rotations pass, though each has a new token from a new address; the 61st token waits unused', async () => {
    const { session, refresh_token } = await newCaller()
    let token = refresh_token
    for (let rotation = 1; rotation <= 60; rotation++) {
      const { status, body } = await from().refresh(token)
      expect(status, `rotation ${rotation}`).toBe(200)
      token = body.refresh_token
    }
    for (const _again of [1, 2, 3]) expectRateLimited(await from().refresh(token), 'session', 60, 60)
    const all = await generations(limited().service, session.id)
    expect(all.map(({ used }) => used)).toEqual([...Array(60).fill(true), false])

    await setCounted(session.id, 60, 60)
    const { status, body } = await from().refresh(token)
    expect(status, 'in the next window').toBe(200)
    expect(await countedOf(session.id)).toMatchObject({ refreshes: 1, age_seconds: 0 })
    expect((await from().refresh(body.refresh_token)).status).toBe(200)
  })

  test('says when there is room again: the rest of the minute since the first rotation that it counts', async () => {
    const { session, refresh_token } = await newCaller()
    await setCounted(session.id, 60, 50)
    const answer = await from().refresh(refresh_token)
    expectRateLimited(answer, 'session', 60, 60)
    expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(10)
    expect((await from().me((await newCaller()).access_token)).status).toBe(200)
  })

  test('makes one rotation, the 60th, of 50 simultaneous refreshes with one token; all get the same successor', async () => {
    const { session, refresh_token } = await newCaller()
    await setCounted(session.id, 59, 10)
    const answers = await race(50, () => from().refresh(refresh_token))
    expect(statuses(answers)).toEqual({ 200: 50 })
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
    expect((await countedOf(session.id)).refreshes).toBe(60)
    expect(await generations(limited().service, session.id)).toHaveLength(2)
    const [successor = ''] = answers.map(({ body }) => body.refresh_token)
    expectRateLimited(await from().refresh(successor), 'session', 60, 60)
  })

  test('refuses all of 50 simultaneous refreshes at 60, and uses and ends nothing', async () => {
    const { session, refresh_token, access_token } = await newCaller()
    await setCounted(session.id, 60, 10)
    const answers = await race(50, () => from().refresh(refresh_token))
    for (const answer of answers) expectRateLimited(answer, 'session', 60, 60)
    expect(await generations(limited().service, session.id)).toMatchObject([{ used: false }])
    expect((await countedOf(session.id)).refreshes).toBe(60)
    expect((await from().me(access_token)).status).toBe(200)
  })

  test('makes one rotation of 50 simultaneous refreshes when the minute is over, and counts from there', async () => {
    const { session, refresh_token } = await newCaller()
    await setCounted(session.id, 60, 61)
    expect(statuses(await race(50, () => from().refresh(refresh_token)))).toEqual({ 200: 50 })
    expect(await countedOf(session.id)).toMatchObject({ refreshes: 1 })
  })

  test('repeats the last successor beyond the limit: a lost answer is no rotation', async () => {
    const { session, refresh_token } = await newCaller()
    const first = await from().refresh(refresh_token)
    await setCounted(session.id, 60, 10)
    const repeated = await from().refresh(refresh_token)
    expect(repeated.status).toBe(200)
    expect(repeated.body.refresh_token).toBe(first.body.refresh_token)
    expect((await countedOf(session.id)).refreshes).toBe(60)
  })

  test('still ends the session of a token that was stolen and used twice, however often it was refreshed', async () => {
    const { session, refresh_token, access_token } = await newCaller()
    const { body } = await from().refresh(refresh_token)
    await from().refresh(body.refresh_token)
    await setCounted(session.id, 60, 10)
    expect((await from().refresh(refresh_token)).status).toBe(401)
    expect((await from().me(access_token)).status).toBe(401)
  })

  test('does not depend on Redis: it holds while that is down, and a flush does not reset it', async () => {
    const { session, refresh_token } = await newCaller()
    await setCounted(session.id, 60, 10)
    await limited().engine.exec(['FLUSHALL'])
    expectRateLimited(await from().refresh(refresh_token), 'session', 60, 60)
    limited().gate.set('refusing')
    try {
      expectRateLimited(await from().refresh(refresh_token), 'session', 60, 60)
    } finally {
      limited().gate.set('open')
    }
  })

  test('is no other session: one that waits keeps none of the same account from refreshing', async () => {
    const { email, tokens } = await from().newAccount()
    const other = await from().signIn(email)
    await setCounted(tokens.session.id, 60, 10)
    expectRateLimited(await from().refresh(tokens.refresh_token), 'session', 60, 60)
    expect((await from().refresh(other.refresh_token)).status).toBe(200)
  })

  test('leaves one counter for the token and one for the address in Redis, and none for the session', async () => {
    await limited().engine.exec(['FLUSHALL'])
    const { refresh_token } = await newCaller()
    await from().refresh(refresh_token)
    const names = Object.keys(await countersOf(limited())).filter((key) => key.includes(':refresh:'))
    expect(names.map((key) => key.split(':')[3]).toSorted()).toEqual(['address', 'token'])
  })
})
