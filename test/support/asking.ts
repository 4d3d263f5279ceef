/**
 * The tests that every route gets which mails a token to an address: the caller learns nothing, sends
 * no one else anything, and cannot flood a mailbox.
 */
import { afterEach, describe, expect, test } from 'vitest'
import type { EventType } from '../../src/events/catalogue.ts'
import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import { type Client, countBy, createClient, newClient, newEmail, race } from './client.ts'
import { countRows } from './count-rows.ts'
import { everyRoute } from './every-route.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from './expect.ts'
import { tokensOf } from './one-time.ts'
import type { Service } from './service.ts'
import { expectRateLimited, inOneWindow } from './windows.ts'

export type AskingRoute = {
  path: string
  purpose: OneTimePurpose
  event: EventType
  /** The answer, no matter who has the address. */
  body: Record<string, unknown>
}

export function asksByAddress(service: () => Service, route: AskingRoute): void {
  const json = { email: 'someone@example.com' }
  everyRoute(service, { method: 'POST', path: route.path, allow: 'POST', caller: 'anyone', json })
  describe('as every route that mails a token', () => {
    afterEach(() => service().gates.redis.set('open'))
    answers(service, route)
    limits(service, route)
    attacks(service, route)
  })
}

const asker =
  (client: Client, { path }: AskingRoute) =>
  (email: unknown) =>
    client.call(path, { json: { email } })

const eventsOf = ({ sql }: Pick<Service, 'sql'>, { tenant }: Client, type: EventType) =>
  sql('select subject, actor, data from events where tenant_id = $1 and type = $2 order by id', [
    tenant.id,
    type,
  ])

function answers(service: () => Service, route: AskingRoute) {
  const { purpose, event, body } = route

  test('makes the account one token that proves its own address, and the event that mails it', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    const answer = await asker(client, route)(email.toUpperCase())
    expect(answer).toMatchObject({ status: 202, body })
    expect(answer.body).toEqual(body)
    expectCommonHeaders(answer)
    const [token, ...others] = await tokensOf(service(), client.tenant)
    expect(others).toEqual([])
    expect(token).toMatchObject({ user_id: tokens.user.id, purpose, subject: email, consumed_at: null })
    expect(await eventsOf(service(), client, event)).toEqual([
      { subject: tokens.user.id, actor: null, data: { token_id: token?.id } },
    ])
  })

  test('asked again, puts a new token in the place of the old one (CASES C08)', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    const before = await client.plant(purpose, tokens)
    await asker(client, route)(email)
    const rows = await tokensOf(service(), client.tenant)
    expect(rows).toHaveLength(1)
    expect(rows[0]?.id).not.toBe(before.id)
  })

  test('answers the same for an address without an account, and keeps a row that names no one', async () => {
    const client = await newClient(service())
    const email = newEmail()
    expect((await asker(client, route)(email)).body).toEqual(body)
    const rows = await tokensOf(service(), client.tenant)
    expect(rows).toMatchObject([{ user_id: null, subject: null, purpose }])
    expect(JSON.stringify(rows)).not.toContain(email)
    expect(await eventsOf(service(), client, event)).toEqual([
      { subject: null, actor: null, data: { token_id: rows[0]?.id } },
    ])
  })

  test.each([
    ['disabled', `update users set status = 'disabled' where id = $1`],
    ['closed', 'update users set deleted_at = now() where id = $1'],
  ])('makes an account that is %s no token', async (_, change) => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    await service().sql(change, [tokens.user.id])
    expect((await asker(client, route)(email)).body).toEqual(body)
    expect(await tokensOf(service(), client.tenant)).toMatchObject([{ user_id: null, subject: null }])
  })
}

function limits(service: () => Service, route: AskingRoute) {
  test.each(['known', 'unknown'])(
    'hears an address that is %s six times an hour, in any spelling',
    async (which) => {
      await inOneWindow(3600, async () => {
        const { tenant, newAccount } = await newClient(service())
        const email = which === 'known' ? (await newAccount()).email : newEmail()
        const from = (spelling: string) => asker(createClient(service(), tenant), route)(spelling)
        const spellings = [email, email.toUpperCase(), email.replace('example', 'Example')]
        for (const spelling of [...spellings, ...spellings]) expect((await from(spelling)).status).toBe(202)
        expectRateLimited(await from(email), 'account', 6, 3600)
        expect((await from(newEmail())).status).toBe(202)
      })
    },
  )

  test('hears one caller twenty times an hour, whomever they ask for', async () => {
    await inOneWindow(3600, async () => {
      const client = await newClient(service())
      const { email } = await client.newAccount()
      const caller = createClient(service(), client.tenant)
      const heard = await race(20, (index) => asker(caller, route)(index === 0 ? email : newEmail()))
      expect(countBy(heard, ({ status }) => status)).toEqual({ 202: 20 })
      for (const address of [email, newEmail()])
        expectRateLimited(await asker(caller, route)(address), 'address', 20, 3600)
    })
  })

  test('answers 503 and makes nothing while Redis is away', async () => {
    const client = await newClient(service())
    const { email } = await client.newAccount()
    const before = await countRows(service(), client.tenant)
    service().gates.redis.set('refusing')
    for (const address of [email, newEmail()])
      expectProblem(await asker(client, route)(address), 'upstream_unavailable')
    expect(await countRows(service(), client.tenant)).toEqual(before)
  })
}

function attacks(service: () => Service, route: AskingRoute) {
  test.each([
    ['a list of addresses', ['a@example.com', 'b@example.com'], 'wrong_type'],
    ['an object', { $ne: '' }, 'wrong_type'],
    ['null', null, 'wrong_type'],
    ['empty', '', 'invalid_email'],
    ['two in one text', 'a@example.com,b@example.com', 'invalid_email'],
    ['with a line break', 'a@example.com\r\nBcc: b@example.com', 'invalid_email'],
    ['with a look-alike', 'julián@example.com', 'invalid_email'],
    ['quoted', '"a@evil.test"@example.com', 'invalid_email'],
  ])('refuses an address that is %s, and makes nothing (CASES C02, I01)', async (_, email, code) => {
    const client = await newClient(service())
    expectInvalidInput(await asker(client, route)(email), { '/email': code })
    expect(await tokensOf(service(), client.tenant)).toEqual([])
  })

  test('lets no one choose what is mailed, or how (CASES C02, C04, C10)', async () => {
    const client = await newClient(service())
    const { email } = await client.newAccount()
    for (const field of ['redirect', 'callback_url', 'host', 'token', 'user_id', 'return_code', 'locale']) {
      const answer = await client.call(route.path, { json: { email, [field]: 'https://evil.test' } })
      expectInvalidInput(answer, { [`/${field}`]: 'unknown_field' })
    }
    expect(await tokensOf(service(), client.tenant)).toEqual([])
  })

  test('lets no foreign page ask on behalf of its visitor', async () => {
    const client = await newClient(service())
    const { email } = await client.newAccount()
    const before = await countRows(service(), client.tenant)
    const headers = { origin: 'https://evil.test' }
    expectProblem(await client.call(route.path, { json: { email }, headers }), 'origin_not_allowed')
    expect(await countRows(service(), client.tenant)).toEqual(before)
  })

  test('never answers with what it mails (CASES C10)', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    const { body, headers } = await asker(client, route)(email)
    const { token, code } = await client.mailed(route.purpose, tokens)
    const said = JSON.stringify([body, [...headers]])
    expect(said).not.toContain(token)
    expect(said.replace(headers.get('x-request-id') ?? '', '')).not.toContain(`"${code}"`)
  })
}
