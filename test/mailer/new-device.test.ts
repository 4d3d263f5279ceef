/** Which sign-ins are news to an account's owner: those from a device or a country that it was not used with. */
import { describe, expect, test } from 'vitest'
import { newClient, PASSWORD } from '../support/client.ts'
import { useMailStage } from '../support/mail-stage.ts'

const stage = useMailStage()

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
const NEWER_FIREFOX = FIREFOX.replaceAll('140.0', '141.0')
const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15'

/** An account that has been used once, with Firefox on Windows. */
async function newOwner() {
  const { service } = stage()
  const client = await newClient(service)
  const { email } = { email: `${crypto.randomUUID()}@example.com` }
  const registered = await client.call<{ session: { id: string }; user: { id: string } }>('/v1/register', {
    json: { email, password: PASSWORD },
    headers: { 'user-agent': FIREFOX, 'sec-fetch-site': 'same-origin' },
  })
  expect(registered.status).toBe(201)
  const cookie = /__Host-latchkey-device=[^;]+/.exec(registered.headers.get('set-cookie') ?? '')?.[0] ?? ''
  expect(cookie).not.toBe('')
  await service.consume()

  /** @returns what the event said, and the subjects of what was mailed */
  async function signIn(userAgent: string | null, headers: Record<string, string> = {}) {
    const { status, body } = await client.call<{ session: { id: string } }>('/v1/login', {
      json: { email, password: PASSWORD },
      headers: { ...(userAgent !== null && { 'user-agent': userAgent }), ...headers },
    })
    expect(status).toBe(200)
    const before = stage().provider.sent(email).length
    await service.consume()
    const [event] = await service.sql<{ data: { new_device: unknown } }>(
      `select data from events where type = 'session.started' and data ->> 'session_id' = $1`,
      [body.session.id],
    )
    const mailed = stage()
      .provider.sent(email)
      .slice(before)
      .map(({ subject, text }) => ({ subject, text }))
    return { isNew: event?.data.new_device, mailed, sessionId: body.session.id }
  }
  return {
    email,
    cookie,
    signIn,
    client,
    userId: registered.body.user.id,
    sessionId: registered.body.session.id,
  }
}

describe('is news', () => {
  test('a device that the account was not used with, once', async () => {
    const { signIn, client } = await newOwner()
    const { isNew, mailed } = await signIn(SAFARI)
    expect(isNew).toBe(true)
    expect(mailed).toMatchObject([{ subject: `New sign-in to ${client.tenant.name}` }])
    expect(mailed[0]?.text).toContain('Safari on macOS')
    expect(await signIn(SAFARI)).toMatchObject({ isNew: false, mailed: [] })
  })

  test('the same device in another country', async () => {
    const { signIn, sessionId } = await newOwner()
    await stage().service.sql(`update sessions set country = 'AQ' where id = $1`, [sessionId])
    expect((await signIn(FIREFOX)).isNew).toBe(true)
  })

  test('a program that is no browser, by its whole name', async () => {
    const { signIn } = await newOwner()
    expect((await signIn('tool-a 1')).isNew).toBe(true)
    expect((await signIn('tool-b 1')).isNew).toBe(true)
    expect((await signIn('tool-a 1')).isNew).toBe(false)
  })

  test('a device that only another account was used with', async () => {
    const { signIn } = await newOwner()
    const other = await newOwner()
    await other.signIn(SAFARI)
    expect((await signIn(SAFARI)).isNew).toBe(true)
  })
})

describe('is no news', () => {
  test('the first session of an account', async () => {
    const { email, userId } = await newOwner()
    const events = await stage().service.sql<{ data: object }>(
      `select data from events where type = 'session.started' and subject = $1`,
      [userId],
    )
    expect(events).toMatchObject([{ data: { new_device: false } }])
    expect(stage().provider.sent(email)).toEqual([])
  })

  test('the same browser, also in a newer version', async () => {
    const { signIn } = await newOwner()
    expect(await signIn(FIREFOX)).toMatchObject({ isNew: false, mailed: [] })
    expect(await signIn(NEWER_FIREFOX)).toMatchObject({ isNew: false, mailed: [] })
  })

  test('the device of a session that has ended', async () => {
    const { signIn, sessionId } = await newOwner()
    await stage().service.sql(
      `update sessions set revoked_at = now(), revoke_reason = 'revoked' where id = $1`,
      [sessionId],
    )
    expect((await signIn(FIREFOX)).isNew).toBe(false)
  })

  test('a browser that proves by its cookie that it signed in before, whatever it says of itself', async () => {
    const { signIn, cookie } = await newOwner()
    expect(await signIn(SAFARI, { cookie, 'sec-fetch-site': 'same-origin' })).toMatchObject({ isNew: false })
  })

  test('but a cookie of another account proves nothing', async () => {
    const { signIn } = await newOwner()
    const { cookie } = await newOwner()
    expect((await signIn(SAFARI, { cookie, 'sec-fetch-site': 'same-origin' })).isNew).toBe(true)
  })
})
