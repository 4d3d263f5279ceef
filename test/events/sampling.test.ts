/** What a flood for addresses without an account leaves behind: a few messages that say how many there were. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Client, createClient, newClient, newEmail, race } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'

const stage = useStage()
afterEach(() => {
  stage().queue.take()
})

const messages = ({ tenant }: Client) => stage().messagesOf(tenant)
const attempts = async (client: Client) => (await messages(client)).flatMap(({ attempt }) => attempt ?? [])

/** The mark is written after the answer, so another request may overtake it; not many can. */
const OVERTAKING = 3

const ASKING: [string, string][] = [
  ['/v1/password/forgot', 'password.reset_requested'],
  ['/v1/email/code', 'email.sign_in_requested'],
  ['/v1/email/resend', 'email.verification_requested'],
]

describe('accounts 7: what is asked for an address that has no account', () => {
  test.each(ASKING)(
    'accounts 7: %s is one message a minute for a network, and nothing that waits for the sweep',
    async (path, type) => {
      const client = await newClient(stage().service)
      for (let n = 0; n < 15; n++)
        expect((await client.call(path, { json: { email: newEmail() } })).status).toBe(202)
      const [attempt] = await vi.waitFor(async () => {
        const found = await attempts(client)
        expect(found.length).toBeGreaterThan(0)
        return found
      })
      expect((await attempts(client)).length).toBeLessThanOrEqual(OVERTAKING)
      expect(attempt).toMatchObject({ type, subject: null, data: { operation: `POST ${path}` } })
      expect((await messages(client)).filter(({ recorded }) => recorded)).toEqual([])
      const waiting = 'select 1 from events where type = $1 and subject is null and dispatched_at is null'
      expect(await stage().service.sql(waiting, [type])).toEqual([])
    },
  )

  test.each(ASKING)('accounts 7: %s is recorded as ever where there is an account', async (path, type) => {
    const client = await newClient(stage().service)
    const { email, tokens } = await client.newAccount()
    await client.call(path, { json: { email } })
    const [row] = await stage().service.sql<{ id: string }>(
      'select id from events where type = $1 and subject = $2 and dispatched_at is null',
      [type, tokens.user.id],
    )
    if (path === '/v1/email/resend' && !row) return // proved already, so that no one needs it
    await vi.waitFor(async () =>
      expect((await messages(client)).flatMap(({ recorded }) => recorded ?? [])).toContain(row?.id),
    )
  })

  test('accounts 7: from ninety networks is about sixty a minute for a host', {
    timeout: 120_000,
  }, async () => {
    const { service } = stage()
    const client = await newClient(service)
    for (let n = 0; n < 90; n++) {
      const stranger = createClient(service, client.tenant, `2001:db8:${n}::1`)
      await stranger.call('/v1/password/forgot', { json: { email: newEmail() } })
    }
    const told = await vi.waitFor(async () => {
      const found = await attempts(client)
      expect(found.length).toBeGreaterThanOrEqual(60)
      return found
    }, 10_000)
    // As above: some overtake the mark of the one before.
    expect(told.length).toBeLessThan(80)
  })
})

describe('accounts 7: sign-ins', () => {
  test('accounts 7: at no account are sampled, while each attempt at an account is told', {
    timeout: 60_000,
  }, async () => {
    const client = await newClient(stage().service)
    const { email, tokens } = await client.newAccount()
    await race(50, () => client.login(newEmail(), 'not the password'))
    for (let n = 0; n < 10; n++) await client.login(newEmail(), 'not the password')
    for (let n = 0; n < 4; n++) await client.login(email, 'not the password')
    const of = async (subject: string | null) =>
      (await attempts(client)).filter(
        (attempt) => attempt.type === 'session.refused' && attempt.subject === subject,
      )
    await vi.waitFor(async () => expect(await of(tokens.user.id)).toHaveLength(4))
    const sampled = await of(null)
    expect(sampled.length).toBeGreaterThan(0)
    // Of the first wave, those are told that began before the first of it had ended.
    expect(sampled.length).toBeLessThan(50)
  })
})
