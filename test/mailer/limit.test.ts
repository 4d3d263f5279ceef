/** How much mail one account can be sent, no matter who asks for it, and that a flood of one kind hides no other. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { MAIL_LIMIT } from '../../src/limits/limits.ts'
import {
  mailsOf,
  newPerson,
  nextMinute,
  type Person,
  record,
  reuse,
  useMailStage,
} from '../support/mail-stage.ts'
import { issue } from './tokens.ts'

const stage = useMailStage()

/** As if so many had been sent to them. */
const sent = (
  person: Person,
  count: number,
  { template = 'session_ended', ago = '1 second', state = 'sent' } = {},
) =>
  stage().service.sql(
    `insert into mails (event_id, user_id, tenant_id, template, state, settled_at)
     select gen_random_uuid(), $1, $2, $3, $4, now() - $5::interval from generate_series(1, $6)`,
    [person.id, person.client.tenant.id, template, state, ago, count],
  )

const deliver = (id: string) => stage().service.queue('latchkey-events', [{ recorded: [id] }])

async function outcomeOf(id: string) {
  await deliver(id)
  const [mail] = await mailsOf(stage(), id)
  return mail && `${mail.state} ${mail.reason ?? ''}`.trim()
}

const SENT = 'sent'
const CAPPED = 'dropped capped'

describe('an account gets', () => {
  test.each([
    ['its twelfth of an hour', 11, {}, SENT],
    ['no thirteenth', 12, {}, CAPPED],
    ['more, once the twelve are an hour old', 12, { ago: '61 minutes' }, SENT],
    ['as many as are dropped', 50, { state: 'dropped' }, SENT],
    ['as many as there are of another kind', 50, { template: 'sign_in' }, SENT],
  ] as const)('of what anyone can ask for: %s', async (_, count, options, outcome) => {
    const person = await newPerson(stage())
    await sent(person, count, { template: 'reset_password', ...options })
    expect(await outcomeOf((await issue(stage(), person, 'reset_password')).eventId)).toBe(outcome)
  })

  test('every notice of what was done, however many there were', async () => {
    const person = await newPerson(stage())
    await sent(person, 500)
    expect(await outcomeOf(await reuse(stage(), person))).toBe(SENT)
  })

  test.each([
    ['verify_email', 'verify_email'],
    ['reset_password', 'reset_password'],
    ['sign_in', 'sign_in'],
  ] as const)(
    'no thirteenth within an hour of what anyone can ask for (%s), and still what they cannot',
    async (purpose, name) => {
      const person = await newPerson(stage())
      await sent(person, 11, { template: name })
      expect(await outcomeOf((await issue(stage(), person, purpose)).eventId)).toBe(SENT)
      expect(await outcomeOf((await issue(stage(), person, purpose)).eventId)).toBe(CAPPED)
      expect(await outcomeOf((await issue(stage(), person, 'change_email_old')).eventId)).toBe(SENT)
      expect(await outcomeOf(await reuse(stage(), person))).toBe(SENT)
    },
  )

  test('no thirteenth notice within an hour that someone registered it again', async () => {
    const person = await newPerson(stage())
    const again = () => record(stage(), person, 'user.registered_again', { subject: person.id })
    await sent(person, 12, { template: 'registered_again' })
    expect(await outcomeOf(await again())).toBe(CAPPED)
    expect(await outcomeOf((await issue(stage(), person, 'reset_password')).eventId)).toBe(SENT)
  })

  test('whatever others get', async () => {
    const person = await newPerson(stage())
    const neighbour = await newPerson(stage(), person.client)
    await sent(neighbour, 100, { template: 'reset_password' })
    expect(await outcomeOf((await issue(stage(), person, 'reset_password')).eventId)).toBe(SENT)
  })
})

test('what is over the limit is never sent later, and one line says that there was something', async () => {
  const { service, provider } = stage()
  const person = await newPerson(stage())
  await sent(person, MAIL_LIMIT.rate, { template: 'reset_password' })
  const { eventId: id } = await issue(stage(), person, 'reset_password')
  await deliver(id)
  await service.sql(`update mails set settled_at = settled_at - interval '2 hours' where user_id = $1`, [
    person.id,
  ])
  await nextMinute(stage())
  expect(provider.calls()).toEqual([])
  const lines = service.logs().filter((line) => line.includes(id))
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'warn', message: 'mail dropped', reason: 'capped', template: 'reset_password' },
  ])
  expect(lines.join()).not.toContain(person.email)
})

test('SECURITY.md states the number', () => {
  const text = readFileSync('SECURITY.md', 'utf8')
  expect(MAIL_LIMIT.seconds).toBe(3600)
  expect(text).toContain(`at most ${MAIL_LIMIT.rate} mails an hour of each kind that anyone can ask for`)
})
