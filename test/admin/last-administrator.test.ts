/** K16: a tenant keeps an administrator, also where the last two lose each other, or leave, in the same moment. */
import { describe, expect, test } from 'vitest'
import { colleagueOf, newOffice, type Office } from '../support/administration.ts'
import { whileHeld } from '../support/attempts.ts'
import type { Answer } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

/** Two administrators of one tenant, whose calls both wait for the rows of both, and then go on at the same time. */
async function atOnce(call: (one: Office, other: Office) => Promise<Answer>): Promise<[Answer, Answer]> {
  const one = await newOffice(service())
  const other = await colleagueOf(service(), one)
  const ids = [one.tokens.user.id, other.tokens.user.id]
  const held = { text: 'select id from users where id = any($1) for update', values: [ids], waiting: 2 }
  const answers = await whileHeld(service(), held, () => Promise.all([call(one, other), call(other, one)]))
  const left = await service().sql(
    `select id from users where tenant_id = $1 and 'admin' = any(roles) and status = 'active' and deleted_at is null`,
    [one.client.tenant.id],
  )
  expect(left, 'one administrator is left').toHaveLength(1)
  return answers
}

describe('K16: of two administrators at the same moment one stays', () => {
  test.each([
    ['who disable each other', 'disable', undefined],
    ['who close the account of each other', 'close', undefined],
    ['who take the role from each other', 'roles', { revoke: ['admin'] }],
  ])('%s', async (_, verb, json) => {
    const answers = await atOnce((one, other) => one.act(verb, other.tokens.user.id, json))
    const statuses = answers.map(({ status }) => status).toSorted()
    expect(statuses[0]).toBeLessThan(300)
    expect([401, 403]).toContain(statuses[1])
  })

  test('who close their own accounts', async () => {
    const answers = await atOnce(({ client, tokens }) =>
      client.call('/v1/me', { method: 'DELETE', bearer: tokens.access_token }),
    )
    const [refused] = answers.filter(({ status }) => status !== 204)
    if (!refused) throw new Error('both were taken')
    expectProblem(refused, 'last_administrator')
  })
})
