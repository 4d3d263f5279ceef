/**
 * A refresh whose answer was lost, and what only looks like one: who gets the successor again, whose session ends, and when
 * its owner is told that a token was copied.
 */
import { describe, expect, test } from 'vitest'
import { type CallOptions, countBy, newClient, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { mailsOf, useMailStage } from '../support/mail-stage.ts'
import { backdateUse, countEvents, generations, sessionRow, untilWaiting } from '../support/sessions.ts'

const stage = useMailStage()
const service = () => stage().service

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
const NEWER_FIREFOX = FIREFOX.replaceAll('140.0', '141.0')
const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15'
const APP = 'Example/2.1 CFNetwork/1568.200.51 Darwin/24.1.0'
const NEWER_APP = 'Example/2.2 CFNetwork/1568.300.101 Darwin/24.2.0'
const OTHER_APP = 'Other/2.1 CFNetwork/1568.200.51 Darwin/24.1.0'
const HOME = { asOrganization: 'Home Net', country: 'AT' }

/** A session whose device used its token `seconds` ago and got no answer. */
async function lostAnswer(seconds: number, { device = FIREFOX, settings = {} } = {}) {
  const client = await newClient(service(), { settings })
  const { email, tokens } = await client.signUp()
  const sessionId = tokens.session.id
  const ask = (
    from: string | null = device,
    token = tokens.refresh_token,
    { headers = {}, cf = HOME }: Pick<CallOptions, 'headers' | 'cf'> = {},
  ) =>
    client.call<Tokens>('/v1/refresh', {
      json: { refresh_token: token },
      headers: { 'user-agent': from ?? '', ...headers },
      cf,
    })
  const lost = await ask()
  expect(lost.status).toBe(200)
  await backdateUse(service(), sessionId, seconds)
  return { client, email, tokens, sessionId, ask, successor: lost.body.refresh_token }
}

type Lost = Awaited<ReturnType<typeof lostAnswer>>

/** The session goes on, nothing was written, nothing is told. */
async function expectContinued({ ask, sessionId, successor, tokens }: Lost, from?: string) {
  const answer = await ask(from)
  expect(answer.status).toBe(200)
  expect(answer.body.refresh_token).toBe(successor)
  expect((await generations(service(), sessionId)).map(({ used }) => used)).toEqual([true, false])
  const events = await countEvents(service(), tokens.user.id)
  expect(events).not.toHaveProperty('session.reuse_detected')
  expect(events).not.toHaveProperty('session.late_repeat')
  expect((await ask(from, successor)).status, 'the successor works').toBe(200)
}

/** The session has ended, its owner was told once in these words, and no token of it lives. */
async function expectEnded(
  { ask, client, email, sessionId, tokens, successor }: Lost,
  { type, evidence }: { type: 'session.reuse_detected' | 'session.late_repeat'; evidence?: string },
) {
  const reason = type.slice('session.'.length)
  expect(await sessionRow(service(), sessionId)).toMatchObject({ revoke_reason: reason })
  expectProblem(await ask(FIREFOX, successor), 'invalid_grant')
  expectProblem(await client.me(tokens.access_token), 'invalid_token')
  const events = await service().sql<{ id: string; type: string; data: object }>(
    `select id, type, data from events where subject = $1
     and type in ('session.reuse_detected', 'session.late_repeat')`,
    [tokens.user.id],
  )
  const data = { session_id: sessionId, ...(evidence && { evidence }) }
  expect(events.map((event) => ({ type: event.type, data: event.data }))).toEqual([{ type, data }])
  await service().consume()
  expect(await mailsOf(stage(), events[0]?.id ?? '')).toMatchObject([{ state: 'sent' }])
  const accusing = `We ended one of your sessions at ${client.tenant.name}`
  const neutral = `Please sign in again to ${client.tenant.name}`
  const mails = stage().provider.sent(email)
  const told = mails.filter(({ subject }) => [accusing, neutral].includes(subject))
  expect(told.map(({ subject }) => subject)).toEqual([evidence ? accusing : neutral])
  const copied = /cop(y|ied)|stolen/
  if (evidence) expect(told[0]?.text).toMatch(copied)
  else expect(`${told[0]?.text} ${told[0]?.html}`).not.toMatch(copied)
}

describe('the same successor again', () => {
  test.each([31, 300, 595])(
    'clients 12: for the device that lost the answer %i s ago, while the successor is unused',
    async (seconds) => {
      await expectContinued(await lostAnswer(seconds))
    },
  )

  test('clients 12: as often as it asks, and not a second longer for that', async () => {
    const lost = await lostAnswer(400)
    expect((await lost.ask()).body.refresh_token).toBe(lost.successor)
    await backdateUse(service(), lost.sessionId, 150)
    expect((await lost.ask()).body.refresh_token).toBe(lost.successor)
    await backdateUse(service(), lost.sessionId, 51)
    expectProblem(await lost.ask(), 'invalid_grant')
  })

  test("clients 12: for as long as the tenant's access tokens live", async () => {
    const settings = { access_token_seconds: 3600 }
    await expectContinued(await lostAnswer(3595, { settings }))
    const short = await lostAnswer(61, { settings: { access_token_seconds: 60 } })
    expectProblem(await short.ask(), 'invalid_grant')
    await expectEnded(short, { type: 'session.late_repeat' })
  })

  test.each([
    ['a browser', FIREFOX, NEWER_FIREFOX],
    ['an app', APP, NEWER_APP],
  ])('clients 12: after an update of %s in between', async (_, device, updated) => {
    await expectContinued(await lostAnswer(60, { device }), updated)
  })

  test.each([
    ['network operator', { asOrganization: 'Home Net', country: 'AQ' }, '198.51.100.7'],
    ['country', { asOrganization: 'Mobile Net', country: 'AT' }, '198.51.100.7'],
    ['network', { asOrganization: 'Mobile Net', country: 'AQ' }, null],
  ])('clients 12: to a device that has moved, but not from its %s', async (_, cf, address) => {
    const lost = await lostAnswer(60)
    const moved = await lost.ask(FIREFOX, lost.tokens.refresh_token, {
      cf,
      ...(address && { headers: { 'cf-connecting-ip': address } }),
    })
    expect(moved.status).toBe(200)
    await expectContinued(lost)
  })

  test('clients 12: to a browser, in its cookie', async () => {
    const lost = await lostAnswer(60)
    const answer = await lost.client.call('/v1/refresh', {
      method: 'POST',
      headers: {
        cookie: `__Host-latchkey=${lost.tokens.refresh_token}`,
        'sec-fetch-site': 'same-origin',
        'user-agent': FIREFOX,
      },
    })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('set-cookie')).toContain(`__Host-latchkey=${lost.successor};`)
  })

  test('clients 12: to each of 50 simultaneous repeats, and nothing is written', async () => {
    const lost = await lostAnswer(60)
    const answers = await race(50, () => lost.ask())
    expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 50 })
    expect([...new Set(answers.map(({ body }) => body.refresh_token))]).toEqual([lost.successor])
    expect((await generations(service(), lost.sessionId)).map(({ used }) => used)).toEqual([true, false])
  })

  test('clients 12: one trip to PostgreSQL, as any refresh', async () => {
    const lost = await lostAnswer(60)
    expect((await lost.ask()).trips).toEqual({ postgres: 1, redis: 1 })
  })

  test('clients 12: within 30 seconds to anyone, as before', async () => {
    await expectContinued(await lostAnswer(28), SAFARI)
  })
})

describe('ends the session and speaks of a copy', () => {
  const theft = (evidence: string) => ({ type: 'session.reuse_detected', evidence }) as const

  test.each([31, 595, 601, 86_400])('clients 12: another device asks %i s later', async (seconds) => {
    const lost = await lostAnswer(seconds)
    expectProblem(await lost.ask(SAFARI), 'invalid_grant')
    await expectEnded(lost, theft('other_device'))
  })

  test.each([
    ['another app', OTHER_APP],
    ['one that gives no name', null],
  ])('clients 12: %s asks', async (_, other) => {
    const lost = await lostAnswer(60, { device: APP })
    expectProblem(await lost.ask(other), 'invalid_grant')
    await expectEnded(lost, theft('other_device'))
  })

  test('clients 12: a thief refreshed first, and the device that signed in comes second', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp() // by this process, which the next line pretends is Firefox's
    await service().sql('update sessions set user_agent = $2, device_label = $3 where id = $1', [
      tokens.session.id,
      FIREFOX,
      'Firefox on Windows',
    ])
    const ask = (device: string) =>
      client.call('/v1/refresh', {
        json: { refresh_token: tokens.refresh_token },
        headers: { 'user-agent': device },
      })
    expect((await ask(SAFARI)).status).toBe(200)
    await backdateUse(service(), tokens.session.id, 60)
    expectProblem(await ask(FIREFOX), 'invalid_grant')
    expect(await sessionRow(service(), tokens.session.id)).toMatchObject({ revoke_reason: 'reuse_detected' })
  })

  test.each([0, 31, 601])(
    'clients 12: the successor was used, and any device asks %i s later',
    async (seconds) => {
      const lost = await lostAnswer(seconds)
      expect((await lost.ask(FIREFOX, lost.successor)).status).toBe(200)
      expectProblem(await lost.ask(), 'invalid_grant')
      await expectEnded(lost, theft('successor_used'))
    },
  )

  test('clients 12: a token of two generations ago, although the newest is unused', async () => {
    const lost = await lostAnswer(0)
    const third = await lost.ask(FIREFOX, lost.successor)
    await backdateUse(service(), lost.sessionId, 60)
    expect((await lost.ask(FIREFOX, lost.successor)).body.refresh_token).toBe(third.body.refresh_token)
    expectProblem(await lost.ask(), 'invalid_grant')
    expectProblem(await lost.ask(FIREFOX, third.body.refresh_token), 'invalid_grant')
    await expectEnded(lost, theft('successor_used'))
  })

  test('clients 12: of 50 repeats that wait while the successor is used, none is answered, and one mail is sent', async () => {
    const lost = await lostAnswer(60)
    const holder = await service().connect()
    await holder.query('begin')
    await holder.query('select from sessions where id = $1 for update', [lost.sessionId])
    const racing = race(50, () => lost.ask())
    await untilWaiting(service(), 50)
    await holder.query(
      'update refresh_tokens set used_at = now() where session_id = $1 and used_at is null',
      [lost.sessionId],
    )
    await holder.query('commit')
    await holder.end()
    for (const answer of await racing) expectProblem(answer, 'invalid_grant')
    await expectEnded(lost, theft('successor_used'))
  })
})

describe('ends the session without a word of a copy', () => {
  const unclear = { type: 'session.late_repeat' } as const

  test.each([601, 86_400])('clients 12: the same device asks %i s later', async (seconds) => {
    const lost = await lostAnswer(seconds)
    expectProblem(await lost.ask(), 'invalid_grant')
    await expectEnded(lost, unclear)
  })

  test('clients 12: the same kind of device asks from another country through another network', async () => {
    const lost = await lostAnswer(60)
    const away = {
      cf: { asOrganization: 'Mobile Net', country: 'AQ' },
      headers: { 'cf-connecting-ip': '198.51.100.7' },
    }
    expectProblem(await lost.ask(FIREFOX, lost.tokens.refresh_token, away), 'invalid_grant')
    await expectEnded(lost, unclear)
  })

  test.each([
    ['nothing', null],
    ['a country that Cloudflare does not know', 'XX'],
    ['the Tor network', 'T1'],
  ])('clients 12: of where either is, %s is known', async (_, country) => {
    const lost = await lostAnswer(60)
    await service().sql('update sessions set address = null, country = $2, asn_org = null where id = $1', [
      lost.sessionId,
      country,
    ])
    const nowhere = { cf: country ? { country } : {}, headers: { 'cf-connecting-ip': 'unknown' } }
    expectProblem(await lost.ask(FIREFOX, lost.tokens.refresh_token, nowhere), 'invalid_grant')
    await expectEnded(lost, unclear)
  })

  test('clients 12: two callers without a name are not one device', async () => {
    const lost = await lostAnswer(60, { device: '' })
    expectProblem(await lost.ask(null), 'invalid_grant')
    await expectEnded(lost, unclear)
  })

  test('clients 12: the release before did not say which device refreshed', async () => {
    const lost = await lostAnswer(60)
    await service().sql('update sessions set refreshed_by = null where id = $1', [lost.sessionId])
    expectProblem(await lost.ask(), 'invalid_grant')
    await expectEnded(lost, unclear)
  })

  test('clients 12: once, however many ask at once', async () => {
    const lost = await lostAnswer(601)
    for (const answer of await race(50, () => lost.ask())) expectProblem(answer, 'invalid_grant')
    await expectEnded(lost, unclear)
  })
})

const OVER = [
  ['was revoked', "update sessions set revoked_at = now(), revoke_reason = 'revoked' where id = $1"],
  ['was idle for too long', "update sessions set idle_expires_at = now() - interval '1 s' where id = $1"],
  ['is past its absolute end', "update sessions set expires_at = now() - interval '1 s' where id = $1"],
  [
    'is older than the epoch of its account',
    'update users set access_valid_from = now() where id = (select user_id from sessions where id = $1)',
  ],
] as const

describe('gives nothing, and tells no one', () => {
  test.each([60, 601].flatMap((seconds) => OVER.map(([how, change]) => ({ seconds, how, change }))))(
    'clients 12: the session $how, and the device asks $seconds s later',
    async ({ seconds, change }) => {
      const lost = await lostAnswer(seconds)
      await service().sql(change, [lost.sessionId])
      expectProblem(await lost.ask(), 'invalid_grant')
      expectProblem(await lost.ask(FIREFOX, lost.successor), 'invalid_grant')
      const events = await countEvents(service(), lost.tokens.user.id)
      expect(events).not.toHaveProperty('session.reuse_detected')
      expect(events).not.toHaveProperty('session.late_repeat')
    },
  )

  test('clients 12: the account is disabled, until it is not', async () => {
    const lost = await lostAnswer(60)
    const setStatus = (status: string) =>
      service().sql('update users set status = $2 where id = $1', [lost.tokens.user.id, status])
    await setStatus('disabled')
    expectProblem(await lost.ask(), 'invalid_grant')
    await setStatus('active')
    await expectContinued(lost)
  })

  test("clients 12: another tenant's host asks", async () => {
    const lost = await lostAnswer(60)
    const stranger = await newClient(service())
    const asked = { json: { refresh_token: lost.tokens.refresh_token }, headers: { 'user-agent': FIREFOX } }
    expectProblem(await stranger.call('/v1/refresh', asked), 'invalid_grant')
    await expectContinued(lost)
  })
})
