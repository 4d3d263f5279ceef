/** What the sweep takes before what: the list of src/events/priority.ts against the mails that it is about. */
import { expect, test } from 'vitest'
import type { EventType } from '../../src/events/catalogue.ts'
import { PRIORITIES, priorityOf } from '../../src/events/priority.ts'
import { MAILS } from '../../src/mailer/mails.ts'

const security = Object.entries(MAILS).flatMap(([type, { kind }]) => (kind === 'security' ? [type] : []))

test('piles 11: every event that makes a security mail is urgent', () => {
  expect(security.length).toBeGreaterThan(10)
  const others = security.filter((type) => priorityOf(type as EventType) !== PRIORITIES.urgent) // a key of MAILS
  expect(others).toEqual([])
})

test('piles 11: what an import makes waits for everything else', () => {
  expect(priorityOf('user.imported')).toBe(Math.max(...Object.values(PRIORITIES)))
})
