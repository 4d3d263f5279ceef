/** Mails that carry a one-time token: to the address that it proves and to no other, and never one that opens nothing. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { hashOneTimeToken, parseOneTimeToken } from '../../src/one-time/one-time-token.ts'
import { newClient, newEmail } from '../support/client.ts'
import { linksOf, shownText } from '../support/mail-parts.ts'
import {
  mailsOf,
  makeDue,
  newPerson,
  nextMinute,
  type Person,
  record,
  useMailStage,
} from '../support/mail-stage.ts'
import { EVENT_OF, issue, PURPOSE_NAMES } from './tokens.ts'

const stage = useMailStage()

const deliver = (...ids: string[]) =>
  stage().service.queue(
    'latchkey-events',
    ids.map((id) => ({ recorded: [id] })),
  )

const sql = (text: string, values: unknown[]) => stage().service.sql(text, values)

const EVIL = '<a href="https://evil.example">evil.example</a>\r\nBcc: v@evil.example'

describe.each(PURPOSE_NAMES)('%s', (purpose) => {
  test('is mailed once, to one address, as the one link of the tenant’s origin that opens its row (I06)', async () => {
    const { provider } = stage()
    const person = await newPerson(stage())
    const { eventId, tokenId, url } = await issue(stage(), person, purpose)
    await deliver(eventId, eventId)
    await nextMinute(stage())
    expect(await mailsOf(stage(), eventId)).toMatchObject([{ state: 'sent', attempts: 1 }])
    const [mail, ...more] = provider.sent()
    expect(more).toEqual([])
    expect(mail?.to).toBe(person.email)
    expect(Object.keys(mail?.headers ?? {})).toEqual(['Auto-Submitted', 'X-Entity-Ref-ID'])
    expect(linksOf(mail?.html ?? '')).toEqual(
      [url, person.client.tenant.origin].map((link) => ['href', link]),
    )
    expect(shownText(mail?.html ?? '')).toContain(url)
    expect(mail?.text.match(/\S*:\/\/\S*/g)).toEqual([url, person.client.tenant.origin])
    expect(mail?.subject).not.toMatch(/lko_|\d{6}/)
    const token = parseOneTimeToken(new URL(url).searchParams.get('token') ?? '')
    const [row] = await sql('select id from one_time_tokens where hash = $1', [
      token && Buffer.from(await hashOneTimeToken(token)),
    ])
    expect(row).toEqual({ id: tokenId })
  })

  test('is in no table, queue or log line', async () => {
    const { service } = stage()
    const person = await newPerson(stage())
    const { eventId, url } = await issue(stage(), person, purpose)
    await deliver(eventId)
    const kept = await service.sql<{ kept: string }>(
      `select string_agg(row, ' ') as kept from (
         select events::text as row from events union all select mails::text from mails
         union all select one_time_tokens::text from one_time_tokens) as rows`,
    )
    expect(stage().provider.sent(person.email)[0]?.text).toContain(url)
    for (const said of [kept[0]?.kept, service.logs().join('\n')]) expect(said).not.toContain('lko_')
  })

  const drops: [title: string, reason: string, change: string][] = [
    ['used meanwhile', 'superseded', 'update one_time_tokens set consumed_at = now() where id = $1'],
    ['gone', 'superseded', 'delete from one_time_tokens where id = $1'],
    [
      'replaced by a newer one',
      'superseded',
      'update one_time_tokens set id = gen_random_uuid() where id = $1',
    ],
    ['expired', 'expired', 'update one_time_tokens set expires_at = now() where id = $1'],
    [
      'for something else',
      'superseded',
      `update one_time_tokens set purpose = 'something_else' where id = $1`,
    ],
    ['without an account', 'superseded', 'update one_time_tokens set user_id = null where id = $1'],
    ['without an address', 'superseded', 'update one_time_tokens set subject = null where id = $1'],
    [
      'of an account that was erased',
      'no_recipient',
      `update users set deleted_at = now(), erased_at = now(), email = null where id = (
         select user_id from one_time_tokens where id = $1)`,
    ],
  ]
  if (purpose !== 'revert_email')
    drops.push([
      purpose === 'restore_account' ? 'of an account that is open again' : 'of an account that was closed',
      'no_recipient',
      `update users set deleted_at = case when deleted_at is null then now() end where id = (
         select user_id from one_time_tokens where id = $1)`,
    ])
  test.each(drops)('is not mailed when it is %s', async (_, reason, change) => {
    const { provider } = stage()
    const person = await newPerson(stage())
    provider.set('down')
    const { eventId, tokenId } = await issue(stage(), person, purpose)
    await deliver(eventId)
    expect(await mailsOf(stage(), eventId)).toMatchObject([{ state: 'pending', reason: 'http_503' }])
    provider.reset()
    await sql(change, [tokenId])
    await makeDue(stage())
    await nextMinute(stage())
    expect(await mailsOf(stage(), eventId)).toMatchObject([{ state: 'dropped', reason }])
    expect(provider.calls()).toEqual([])
  })

  test('is not mailed for an event that names another account, or another tenant’s', async () => {
    const person = await newPerson(stage())
    const neighbour = await newPerson(stage(), person.client)
    const { tokenId } = await issue(stage(), person, purpose)
    const stranger = await newPerson(stage())
    if (purpose === 'restore_account')
      await sql('update users set deleted_at = now() where id = any($1)', [[neighbour.id, stranger.id]])
    const named = { data: { token_id: tokenId } }
    for (const other of [neighbour, stranger]) {
      const id = await record(stage(), other, EVENT_OF[purpose], { subject: other.id, ...named })
      await deliver(id)
      expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'dropped', reason: 'superseded' }])
    }
    // An address that no one has: the event names no account, and no one is mailed.
    const none = await record(stage(), person, EVENT_OF[purpose], named)
    await deliver(none)
    expect(await mailsOf(stage(), none)).toEqual([])
    expect(stage().provider.calls()).toEqual([])
  })
})

describe('the address', () => {
  const changed = (person: Person) =>
    sql('update users set email = $2 where id = $1', [person.id, `now-${person.email}`])

  test.each([
    ['verify_email', false],
    ['reset_password', false],
    ['change_email_old', false],
    ['sign_in', false],
    ['restore_account', false],
    ['invitation', false],
    ['change_email_new', true],
    ['revert_email', true],
  ] as const)('of %s, once the account has another: mailed %s', async (purpose, isMailed) => {
    const { provider } = stage()
    const person = await newPerson(stage())
    const { eventId } = await issue(stage(), person, purpose)
    await changed(person)
    await deliver(eventId)
    expect(provider.sent().map(({ to }) => to)).toEqual(isMailed ? [person.email] : [])
    if (!isMailed)
      expect(await mailsOf(stage(), eventId)).toMatchObject([{ state: 'dropped', reason: 'superseded' }])
  })

  test('is the token’s, byte for byte', async () => {
    const { provider } = stage()
    const person = await newPerson(stage())
    const tag = randomUUID().slice(0, 8)
    const subjects = [
      `o'brien+${tag}@sub.example.com`,
      `a.b.c.${tag}@xn--mnchen-3ya.example.com`,
      `!#$%&'*+/=?^_\`{|}~-${tag}@example.com`,
      `${'x'.repeat(55)}-${tag}@${'y'.repeat(63)}.${'z'.repeat(63)}.example.com`,
    ]
    for (const subject of subjects) {
      const { eventId } = await issue(stage(), person, 'change_email_new', { subject })
      await deliver(eventId)
      await sql('delete from mails where user_id = $1', [person.id])
    }
    expect(provider.sent().map(({ to }) => to)).toEqual(subjects)
  })

  test('that an account is to have is told which account, masked, and nothing that anyone wrote', async () => {
    const { service, provider } = stage()
    const person = await newPerson(stage())
    await service.sql(
      `update users set email = $2, name = 'Call 0900', email_verified_at = now() where id = $1`,
      [person.id, `somebody-${person.email}`],
    )
    const subject = newEmail()
    const { eventId } = await issue(stage(), person, 'change_email_new', { subject })
    await deliver(eventId)
    const [mail] = provider.sent(subject)
    expect(mail?.text).toContain('Account: s***@ example. com')
    expect(mail?.text).not.toMatch(/somebody-|0900/)
  })
})

test('an attacker who took an account over, changed its address and closed it does not outrun the mail that undoes it', async () => {
  const { provider } = stage()
  const person = await newPerson(stage())
  const { eventId } = await issue(stage(), person, 'revert_email')
  await sql('update users set email = $2, deleted_at = now() where id = $1', [person.id, newEmail()])
  await deliver(eventId)
  expect(provider.sent().map(({ to }) => to)).toEqual([person.email])
})

describe('a sign-in', () => {
  test('has its code as one number in both parts, and not in the subject', async () => {
    const { provider } = stage()
    const person = await newPerson(stage())
    const { eventId, code } = await issue(stage(), person, 'sign_in')
    await deliver(eventId)
    const [mail] = provider.sent(person.email)
    expect(mail?.text.match(/^\d{6}$/gm)).toEqual([code])
    expect(mail?.html).toContain(`>${code}</p>`)
    expect(mail?.subject).not.toContain(code)
  })

  test('without a code has the link alone', async () => {
    const { provider } = stage()
    const person = await newPerson(stage())
    const { eventId, code, url } = await issue(stage(), person, 'sign_in', { hasCode: false })
    await deliver(eventId)
    const [mail] = provider.sent(person.email)
    expect(mail?.text).toContain(url)
    expect(`${mail?.text}${mail?.html}`).not.toMatch(new RegExp(`code|\\b${code}\\b`, 'i'))
  })
})

test('a key that has left the ring keeps no one else’s mail back, and is said', async () => {
  const { service, provider } = stage()
  const person = await newPerson(stage())
  const other = await newPerson(stage())
  const stuck: string[] = []
  for (const purpose of ['verify_email', 'reset_password', 'change_email_old', 'revert_email'] as const)
    stuck.push((await issue(stage(), person, purpose, { keyId: 'k0' })).eventId)
  const { eventId } = await issue(stage(), other, 'reset_password')
  await deliver(...stuck, eventId)
  expect(provider.sent().map(({ to }) => to)).toEqual([other.email])
  for (const id of stuck)
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'pending', reason: 'fault', waits: true }])
  const lines = service.logs().filter((line) => line.includes('could not write mail'))
  expect(lines).toHaveLength(stuck.length)
})

test('names of strangers in the tenant, the person and the device are text (I05, I06)', async () => {
  const { service, provider } = stage()
  const client = await newClient(service)
  await service.sql('update tenants set name = $2 where id = $1', [client.tenant.id, EVIL])
  const person = await newPerson(stage(), client)
  await service.sql('update users set name = $2, email_verified_at = now() where id = $1', [person.id, EVIL])
  const from = { user_agent: `${EVIL}/1.0 (x) y`, city: EVIL, country: EVIL }
  const { eventId, url } = await issue(stage(), person, 'reset_password', { from })
  await deliver(eventId)
  const [mail, ...more] = provider.sent()
  expect(more).toEqual([])
  expect(mail?.to).toBe(person.email)
  expect(linksOf(mail?.html ?? '')).toEqual([url, client.tenant.origin].map((link) => ['href', link]))
  for (const said of [mail?.subject, mail?.text, shownText(mail?.html ?? ''), mail?.from]) {
    expect(said).not.toMatch(/evil\.example|https:\/\//)
    expect(said).not.toMatch(/^bcc:/im)
  }
})

test('a link is of the tenant’s own origin, and of none where that is none', async () => {
  const { service, provider } = stage()
  const person = await newPerson(stage())
  const { tenant } = person.client
  await service.sql(`update tenants set issuer = 'javascript:alert(1)//' || $1 where id = $1::uuid`, [
    tenant.id,
  ])
  const { eventId } = await issue(stage(), person, 'reset_password')
  await deliver(eventId)
  expect(provider.calls()).toEqual([])
  expect(await mailsOf(stage(), eventId)).toMatchObject([{ state: 'pending', reason: 'fault' }])
})
