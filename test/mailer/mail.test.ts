/** Each mail once, whatever the queue, the consumer or the provider do; never one that is no longer true. */
import { describe, expect, test, vi } from 'vitest'
import { newClient, race } from '../support/client.ts'
import { API_KEY, MAIL_FROM } from '../support/mail-provider.ts'
import {
  mailsOf,
  makeDue,
  newPerson,
  nextMinute,
  type Person,
  record,
  reuse,
  useMailStage,
} from '../support/mail-stage.ts'
import { backdateUse } from '../support/sessions.ts'

const stage = useMailStage()

const deliver = (ids: string[]) =>
  stage().service.queue(
    'latchkey-events',
    ids.map((id) => ({ recorded: [id] })),
  )

async function many(count: number, person: Person): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) ids.push(await reuse(stage(), person))
  return ids
}

describe('the owner is told', () => {
  test('that a session ended because its refresh token was used twice', async () => {
    const { service, provider } = stage()
    const client = await newClient(service)
    const { email, tokens } = await client.signUp()
    await client.refresh(tokens.refresh_token)
    await backdateUse(service, tokens.session.id, 60)
    await client.call('/v1/refresh', {
      json: { refresh_token: tokens.refresh_token },
      headers: {
        'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
      },
    })
    await service.consume()
    const [mail, ...more] = provider.sent(email)
    expect(more).toEqual([])
    const [event] = await service.sql<{ id: string }>(
      `select id from events where type = 'session.reuse_detected' and subject = $1`,
      [tokens.user.id],
    )
    expect(mail).toMatchObject({
      from: `${client.tenant.name} <${MAIL_FROM}>`,
      to: email,
      subject: `We ended one of your sessions at ${client.tenant.name}`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Entity-Ref-ID': event?.id },
    })
    for (const part of [mail?.text, mail?.html]) {
      expect(part).toContain('Firefox on Windows')
      expect(part).toMatch(/\d{4}.* UTC/)
      expect(part).toContain(client.tenant.origin)
    }
    expect(provider.calls().map(({ key }) => key)).toEqual([`${event?.id}.${tokens.user.id}`])
  })

  test('that the password was switched off, unless it has been changed since', async () => {
    const { service, provider } = stage()
    const person = await newPerson(stage())
    const switchedOff = () => record(stage(), person, 'password.disabled', { subject: person.id })
    await deliver([await switchedOff()])
    expect(provider.sent(person.email)).toHaveLength(1)
    const late = await switchedOff()
    await service.sql('update passwords set changed_at = clock_timestamp() where user_id = $1', [person.id])
    await deliver([late])
    expect(await mailsOf(stage(), late)).toMatchObject([{ state: 'dropped', reason: 'superseded' }])
    expect(provider.sent(person.email)).toHaveLength(1)
  })

  test('and no one is told what is no matter of theirs', async () => {
    const person = await newPerson(stage())
    const ids: string[] = []
    for (const type of ['session.started', 'user.updated', 'session.ended'])
      ids.push(await record(stage(), person, type, { subject: person.id }))
    await deliver(ids)
    for (const id of ids) expect(await mailsOf(stage(), id)).toEqual([])
    expect(stage().provider.calls()).toEqual([])
  })
})

describe('each mail once', () => {
  test('when every message comes five times, and in reverse order', async () => {
    const { service, provider } = stage()
    const person = await newPerson(stage())
    const ids = [await reuse(stage(), person), await reuse(stage(), person), await reuse(stage(), person)]
    const many = Array.from({ length: 5 }, () => ids).flat()
    // What was handed on is no longer read, so each delivery finds the events as new.
    const again = () => service.sql('update events set dispatched_at = null where subject = $1', [person.id])
    await deliver(many)
    await again()
    await deliver(many.toReversed())
    for (const id of many.toReversed()) {
      await again()
      await deliver([id])
    }
    await nextMinute(stage())
    expect(provider.calls()).toHaveLength(3)
    expect(provider.sent(person.email)).toHaveLength(3)
  })

  test('when 50 consumers and crons run at once', async () => {
    const { provider } = stage()
    const person = await newPerson(stage())
    provider.set('down')
    const ids = await many(20, person)
    await deliver(ids)
    provider.reset()
    await makeDue(stage())
    await race(50, () => nextMinute(stage()))
    expect(provider.calls()).toHaveLength(20)
    expect(provider.sent(person.email)).toHaveLength(20)
  })

  test('when the provider takes it and the connection is lost before we know', async () => {
    const { provider } = stage()
    const person = await newPerson(stage())
    provider.set('lossy')
    const id = await reuse(stage(), person)
    await deliver([id])
    expect(await mailsOf(stage(), id)).toMatchObject([
      { state: 'pending', attempts: 1, reason: 'unreachable' },
    ])
    provider.set('open')
    await makeDue(stage())
    await nextMinute(stage())
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'sent', attempts: 2 }])
    expect(provider.calls()).toHaveLength(2)
    expect(provider.sent(person.email)).toHaveLength(1)
  })

  test('when the person renamed themselves between the attempt that was lost and the next', async () => {
    const { service, provider } = stage()
    const person = await newPerson(stage())
    provider.set('lossy')
    const id = await reuse(stage(), person)
    await deliver([id])
    provider.set('open')
    await service.sql(`update users set name = 'Ada', email_verified_at = now() where id = $1`, [person.id])
    await makeDue(stage())
    await nextMinute(stage())
    expect(provider.calls().map(({ status }) => status)).toEqual([0, 409])
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'sent' }])
    expect(provider.sent(person.email)).toHaveLength(1)
  })

  test('when the Worker dies between sending and settling', async () => {
    const { service, provider } = stage()
    const person = await newPerson(stage())
    service.gates.postgres.set('error-500', { when: (body) => body.includes('update mails set state') })
    const id = await reuse(stage(), person)
    await deliver([id])
    service.gates.postgres.set('open')
    expect(provider.sent(person.email)).toHaveLength(1)
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'pending', attempts: 1 }])
    await nextMinute(stage())
    expect(provider.calls(), 'the lease has not run out').toHaveLength(1)
    await service.sql(`update mails set claimed_until = now() where event_id = $1`, [id])
    await nextMinute(stage())
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'sent', attempts: 2 }])
    expect(provider.sent(person.email)).toHaveLength(1)
  })

  test.each([
    ['before the mail is recorded', 'error-500'],
    ['after it, before we know', 'reset-after-commit'],
  ] as const)('when the database goes away %s: the event comes again', async (_, mode) => {
    const { service, provider } = stage()
    const person = await newPerson(stage())
    const id = await reuse(stage(), person)
    service.gates.postgres.set(mode, { when: (body) => body.includes('insert into mails') })
    expect((await deliver([id])).retryMessages).toHaveLength(1)
    service.gates.postgres.set('open')
    expect((await deliver([id])).explicitAcks).toHaveLength(1)
    expect(provider.sent(person.email)).toHaveLength(1)
  })
})

describe('a provider that is not well', () => {
  test.each([
    ['down', 'http_503'],
    ['busy', 'http_409'],
    ['limited for long', 'http_429'],
    ['elsewhere', 'http_307'],
    ['locked', 'http_403'],
  ] as const)('is asked again later when it is %s, and the mail goes out once', async (mode, reason) => {
    const { service, provider } = stage()
    const person = await newPerson(stage())
    provider.set(mode)
    const id = await reuse(stage(), person)
    expect((await deliver([id])).explicitAcks, 'the event is taken all the same').toHaveLength(1)
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'pending', attempts: 1, reason, waits: true }])
    await nextMinute(stage())
    expect(provider.calls(), 'not before its time').toHaveLength(1)
    provider.set('open')
    await makeDue(stage())
    await nextMinute(stage())
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'sent', attempts: 2 }])
    expect(provider.sent(person.email)).toHaveLength(1)
    expect(service.logs().join()).not.toContain(API_KEY)
  })

  test('that asks for a second is asked again after it, in the same attempt', async () => {
    const { provider } = stage()
    const person = await newPerson(stage())
    provider.set('limited')
    const id = await reuse(stage(), person)
    await deliver([id])
    expect(provider.calls().map(({ status }) => status)).toEqual([429, 200])
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'sent', attempts: 1 }])
  })

  test('that hangs costs ten seconds; who took longer than the lease gives nothing back', async () => {
    const { service, provider } = stage()
    const person = await newPerson(stage())
    provider.set('hanging')
    const [mine = '', lost = ''] = await many(2, person)
    const delivered = Promise.all([deliver([mine]), deliver([lost])])
    await vi.waitFor(() => expect(provider.calls()).toHaveLength(2), 5000)
    // As if the lease had run out meanwhile and someone else had claimed it.
    await service.sql(`update mails set attempts = 2, next_attempt_at = now() where event_id = $1`, [lost])
    await delivered
    expect(await mailsOf(stage(), mine)).toMatchObject([{ state: 'pending', reason: 'timeout', waits: true }])
    expect(await mailsOf(stage(), lost)).toMatchObject([{ attempts: 2, reason: null, waits: false }])
  })

  test('that answers without end is listened to for 64 KiB', async () => {
    const { provider } = stage()
    const person = await newPerson(stage())
    provider.set('talkative')
    const id = await reuse(stage(), person)
    const begun = Date.now()
    await deliver([id])
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'pending', reason: 'http_409' }])
    expect(Date.now() - begun, 'its deadline did not have to end it').toBeLessThan(8000)
    expect(provider.written(), 'what it sent is the sockets’ buffers and little more').toBeLessThan(
      16 * 2 ** 20,
    )
  })

  test('is not asked for every mail in turn', async () => {
    const { provider } = stage()
    const person = await newPerson(stage())
    provider.set('down')
    await deliver(await many(10, person))
    expect(provider.calls()).toHaveLength(3)
  })

  test('is given up on after six attempts', async () => {
    const { provider } = stage()
    const person = await newPerson(stage())
    provider.set('down')
    const id = await reuse(stage(), person)
    await deliver([id])
    for (let attempt = 2; attempt <= 6; attempt++) {
      expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'pending', attempts: attempt - 1 }])
      await makeDue(stage())
      await nextMinute(stage())
    }
    expect(await mailsOf(stage(), id)).toMatchObject([
      { state: 'dropped', attempts: 6, reason: 'undeliverable' },
    ])
  })
})

describe('is dropped, and says why', () => {
  const drops: [title: string, reason: string, change: string][] = [
    [
      'older than a day',
      'expired',
      `update events set created_at = now() - interval '25 hours' where id = $2`,
    ],
    [
      'to an account that was erased',
      'no_recipient',
      'update users set deleted_at = now(), email = null where id = $1',
    ],
  ]

  test.each(drops)('a mail that is %s', async (_, reason, change) => {
    const { service, provider } = stage()
    const person = await newPerson(stage())
    provider.set('down')
    const id = await reuse(stage(), person)
    await deliver([id])
    provider.reset()
    await service.sql(change.replace('$1', `'${person.id}'`).replace('$2', `'${id}'`))
    await makeDue(stage())
    await nextMinute(stage())
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'dropped', reason }])
    expect(provider.calls()).toEqual([])
  })

  test('a mail that the provider refuses for good', async () => {
    const { service, provider } = stage()
    const person = await newPerson(stage())
    await service.sql(`update users set email = 'no address' where id = $1`, [person.id])
    const id = await reuse(stage(), person)
    await deliver([id])
    expect(provider.calls().map(({ status }) => status)).toEqual([422])
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'dropped', reason: 'http_422' }])
  })

  test('goes to the address that the account has now', async () => {
    const { service, provider } = stage()
    const person = await newPerson(stage())
    provider.set('down')
    await deliver([await reuse(stage(), person)])
    provider.reset()
    await service.sql(`update users set email = $2 where id = $1`, [person.id, `new-${person.email}`])
    await makeDue(stage())
    await nextMinute(stage())
    expect(provider.sent().map(({ to }) => to)).toEqual([`new-${person.email}`])
  })
})
