/** The tests that every route gets which a mailed token authorises: one that is not alive, or not meant for it, does nothing. */
import { describe, expect, test } from 'vitest'
import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import { type Answer, type Client, countBy, createClient, newClient, race, type Tokens } from './client.ts'
import { countRows } from './count-rows.ts'
import { everyRoute } from './every-route.ts'
import { expectInvalidInput, expectProblem } from './expect.ts'
import { unknownOneTimeToken } from './one-time.ts'
import type { Service } from './service.ts'

export type RedeemingRoute = {
  path: string
  purpose: OneTimePurpose
  /** What is in the body besides the token. */
  rest?: Record<string, unknown>
  /** What success answers. */
  status: 200 | 204
  /** Whether the token is honoured only with the cookie of the browser that asked. */
  inBrowser?: boolean
}

const BROWSER = { 'sec-fetch-site': 'same-origin' }

export function redeemsToken(service: () => Service, route: RedeemingRoute): void {
  const { path, rest, inBrowser } = route
  const headers = inBrowser && { ...BROWSER, cookie: `__Host-latchkey-challenge=${'A'.repeat(43)}` }
  everyRoute(service, {
    method: 'POST',
    path,
    allow: 'POST',
    caller: 'anyone',
    json: { token: unknownOneTimeToken(), ...rest },
    ...(headers && { headers }),
  })
  describe('as every route that a mailed token authorises', () => {
    refusals(service, route)
    attacks(service, route)
  })
}

/** The route's own call, with any token. */
export const redeem = (
  client: Client,
  { path, rest, inBrowser }: RedeemingRoute,
  { token, cookie }: { token: unknown; cookie?: string },
  headers: Record<string, string> = {},
): Promise<Answer> =>
  client.call(path, {
    json: { token, ...rest },
    headers: { ...(inBrowser && { ...BROWSER, ...(cookie && { cookie }) }), ...headers },
  })

async function newRecipient(service: Service, { purpose }: RedeemingRoute, planted = {}) {
  const client = await newClient(service)
  const { email, tokens } = await client.newAccount()
  const mailed = await client.plant(purpose, tokens, planted)
  const before = await state(service, client, tokens)
  const expectUntouched = async () => expect(await state(service, client, tokens)).toEqual(before)
  return { client, email, tokens, mailed, expectUntouched }
}

/** What a redemption could have changed. */
async function state(service: Service, { tenant }: Client, { user }: Tokens) {
  const [row] = await service.sql(
    `select email, email_verified_at, deleted_at, (select changed_at::text from passwords where user_id = users.id),
       (select count(*)::int from sessions where user_id = users.id and revoked_at is null) as sessions
     from users where id = $1`,
    [user.id],
  )
  return { ...row, ...(await countRows(service, tenant)) }
}

function refusals(service: () => Service, route: RedeemingRoute) {
  test('refuses a token that was used', async () => {
    const { client, mailed } = await newRecipient(service(), route)
    expect((await redeem(client, route, mailed)).status).toBe(route.status)
    expectProblem(await redeem(client, route, mailed), 'invalid_one_time_token')
  })

  test('refuses a token that has expired, whether or not it was cleaned up (CASES C06)', async () => {
    const { client, mailed, expectUntouched } = await newRecipient(service(), route, { expired: true })
    expectProblem(await redeem(client, route, mailed), 'invalid_one_time_token')
    await expectUntouched()
  })

  test('refuses a token that a newer one has replaced (CASES C08)', async () => {
    const { client, tokens, mailed } = await newRecipient(service(), route)
    const newer = await client.plant(route.purpose, tokens)
    expectProblem(await redeem(client, route, mailed), 'invalid_one_time_token')
    expect((await redeem(client, route, newer)).status).toBe(route.status)
  })

  test('refuses the token of an account that was disabled', async () => {
    const { client, tokens, mailed } = await newRecipient(service(), route)
    await service().sql(`update users set status = 'disabled' where id = $1`, [tokens.user.id])
    const before = await state(service(), client, tokens)
    expectProblem(await redeem(client, route, mailed), 'invalid_one_time_token')
    expect(await state(service(), client, tokens)).toEqual(before)
  })

  test('refuses what is no token without asking anyone (CASES C07)', async () => {
    const { client, expectUntouched } = await newRecipient(service(), route)
    const garbage = ['', ' ', 'null', 'undefined', 'lko_', `lko_${'A'.repeat(42)}B`, `lko_${'A'.repeat(44)}`]
    for (const token of garbage) {
      const answer = await redeem(client, route, { token, cookie: '__Host-latchkey-challenge=x' })
      expectProblem(answer, 'invalid_one_time_token')
      expect(answer.trips).toEqual({ postgres: 0, redis: 0 })
    }
    await expectUntouched()
  })

  test('refuses what is no text for a token (CASES C07)', async () => {
    const client = await newClient(service())
    for (const token of [null, [], {}, 0, true])
      expectInvalidInput(await redeem(client, route, { token }), { '/token': 'wrong_type' })
  })
}

function attacks(service: () => Service, route: RedeemingRoute) {
  test('does nothing with a token on the host of another tenant, and it still works at home', async () => {
    const { client, mailed, expectUntouched } = await newRecipient(service(), route)
    expectProblem(await redeem(await newClient(service()), route, mailed), 'invalid_one_time_token')
    await expectUntouched()
    expect((await redeem(client, route, mailed)).status).toBe(route.status)
  })

  test('lets no foreign page redeem, and uses nothing up', async () => {
    const { client, mailed, expectUntouched } = await newRecipient(service(), route)
    const answer = await redeem(client, route, mailed, { origin: 'https://evil.test' })
    expectProblem(answer, 'origin_not_allowed')
    await expectUntouched()
    expect((await redeem(client, route, mailed)).status).toBe(route.status)
  })

  test('of 10 simultaneous callers with one token serves one (CASES C05)', async () => {
    const { client, mailed } = await newRecipient(service(), route)
    const callers = Array.from({ length: 10 }, () => createClient(service(), client.tenant))
    const answers = await race(10, (index) => redeem(callers[index] ?? client, route, mailed))
    expect(countBy(answers, ({ status }) => status)).toEqual({ [route.status]: 1, 400: 9 })
  })

  test('a path by GET or HEAD uses nothing up (CASES C12)', async () => {
    const { client, mailed, expectUntouched } = await newRecipient(service(), route)
    for (const method of ['GET', 'HEAD'])
      expect((await client.call(`${route.path}?token=${mailed.token}`, { method })).status).toBe(405)
    await expectUntouched()
  })
}
