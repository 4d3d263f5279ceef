/** The code and the link of a sign-in by e-mail: what is heard, how often, and from where. */
import { describe, expect, test } from 'vitest'
import { whileHeld } from '../support/attempts.ts'
import { countBy, newClient, race } from '../support/client.ts'
import type { Mailed } from '../support/mailed.ts'
import { expectProblem } from '../support/problem.ts'
import { liveSessions, redeem, tokenRow } from '../support/redemptions.ts'
import { useLentService } from '../support/service.ts'

/** What Redis counts besides is not what these are about. */
const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const BURST = { timeout: 120_000 }

async function newChallenge() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  const mailed = await client.plant('sign_in', tokens)
  const answer = (code: string) => client.call('/v1/email/code/verify', { json: { email, code } })
  return { client, email, tokens, mailed, answer }
}

/** The n-th code that is not this one. */
const wrong = ({ code }: Pick<Mailed, 'code'>, n = 1) =>
  String((Number(code) + n) % 1_000_000).padStart(6, '0')

const setFailures = (userId: string, failures: number) =>
  service().sql(`update one_time_tokens set failures = $2 where user_id = $1 and purpose = 'sign_in'`, [
    userId,
    failures,
  ])

/** Starts them while the account is locked, so that they are as simultaneous as they can be. */
const heldTogether = <T>(userId: string, waiting: number, calls: () => Promise<T>) =>
  whileHeld(
    service(),
    { text: 'select id from users where id = $1 for no key update', values: [userId], waiting },
    calls,
  )

describe('a code', () => {
  test('is heard after four wrong ones, and not after five', async () => {
    const first = await newChallenge()
    for (let n = 1; n <= 4; n++) expectProblem(await first.answer(wrong(first.mailed, n)), 'invalid_code')
    expect((await first.answer(first.mailed.code)).status).toBe(200)
    const second = await newChallenge()
    for (let n = 1; n <= 5; n++) expectProblem(await second.answer(wrong(second.mailed, n)), 'invalid_code')
    expectProblem(await second.answer(second.mailed.code), 'invalid_code')
    expect(await tokenRow(service(), second.mailed)).toEqual({ consumed_at: null, attempts: 5, failures: 5 })
  })

  test('is not heard once it is used up, expired, replaced or of an address that the account left', async () => {
    for (const change of [
      `update one_time_tokens set expires_at = now() - interval '1 millisecond' where id = $1`,
      'update one_time_tokens set consumed_at = now() where id = $1',
      `update one_time_tokens set subject = 'former-' || subject where id = $1`,
      'delete from one_time_tokens where id = $1',
    ]) {
      const { answer, mailed } = await newChallenge()
      await service().sql(change, [mailed.id])
      expectProblem(await answer(mailed.code), 'invalid_code')
    }
    const { client, tokens, mailed, answer } = await newChallenge()
    const newer = await client.plant('sign_in', tokens)
    expectProblem(await answer(mailed.code === newer.code ? wrong(newer) : mailed.code), 'invalid_code')
    expect((await answer(newer.code)).status).toBe(200)
  })

  test("is nothing for another account, and nothing on another tenant's host", async () => {
    const { mailed } = await newChallenge()
    const other = await newChallenge()
    const code = mailed.code === other.mailed.code ? wrong(other.mailed) : mailed.code
    expectProblem(await other.answer(code), 'invalid_code')
    const elsewhere = await newClient(service())
    await elsewhere.register(other.email)
    const json = { email: other.email, code: other.mailed.code }
    expectProblem(await elsewhere.call('/v1/email/code/verify', { json }), 'invalid_code')
    expect((await other.answer(other.mailed.code)).status).toBe(200)
  })

  test('opens nothing from a page of another origin, and is not used up by it', async () => {
    const { client, email, mailed, answer } = await newChallenge()
    const json = { email, code: mailed.code }
    const headers = { origin: 'https://evil.example' }
    expectProblem(await client.call('/v1/email/code/verify', { json, headers }), 'origin_not_allowed')
    expect((await answer(mailed.code)).status).toBe(200)
  })

  test('is worth nothing for an account after 100 wrong ones in a row; a link then still signs in, and ends that', async () => {
    const { client, email, tokens, mailed, answer } = await newChallenge()
    await setFailures(tokens.user.id, 99)
    expectProblem(await answer(wrong(mailed)), 'invalid_code')
    expectProblem(await answer(mailed.code), 'invalid_code')
    const asked = await client.call('/v1/email/code', { json: { email } })
    const cookie = /^[^;]+/.exec(asked.headers.get('set-cookie') ?? '')?.[0] ?? ''
    const newer = await client.mailed('sign_in', tokens)
    const [row] = await service().sql('select failures, code_hash from one_time_tokens where id = $1', [
      newer.id,
    ])
    expect(row).toEqual({ failures: 100, code_hash: null })
    expectProblem(await answer(newer.code), 'invalid_code')
    expect((await redeem(client, 'sign_in', { ...newer, cookie })).status).toBe(200)
    expect((await client.call('/v1/email/code', { json: { email } })).status).toBe(202)
    expect((await answer((await client.mailed('sign_in', tokens)).code)).status).toBe(200)
  })

  test('is not heard where 100 were wrong, even if its challenge has one', async () => {
    const { tokens, mailed, answer } = await newChallenge()
    await setFailures(tokens.user.id, 100)
    expectProblem(await answer(mailed.code), 'invalid_code')
    await setFailures(tokens.user.id, 99)
    expect((await answer(mailed.code)).status).toBe(200)
  })

  test('that is new begins at no attempts, and keeps the count of failures', async () => {
    const { client, email, tokens, mailed, answer } = await newChallenge()
    for (let n = 1; n <= 5; n++) await answer(wrong(mailed, n))
    await client.call('/v1/email/code', { json: { email } })
    const newer = await client.mailed('sign_in', tokens)
    expect(await tokenRow(service(), newer)).toEqual({ consumed_at: null, attempts: 0, failures: 5 })
    expect((await answer(newer.code)).status).toBe(200)
    expect(await tokenRow(service(), newer)).toMatchObject({ attempts: 0, failures: 0 })
  })
})

describe('simultaneous codes', () => {
  test('50 right ones sign in once', BURST, async () => {
    const { tokens, mailed, answer } = await newChallenge()
    const answers = await heldTogether(tokens.user.id, 50, () => race(50, () => answer(mailed.code)))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 1, 401: 49 })
    // Its owner had not proved the address, so that the session from before is gone.
    expect(await liveSessions(service(), tokens.user.id)).toHaveLength(1)
  })

  test('50 wrong ones are five attempts, and the right one comes too late', BURST, async () => {
    const { tokens, mailed, answer } = await newChallenge()
    const answers = await heldTogether(tokens.user.id, 50, () =>
      race(50, (n) => answer(wrong(mailed, n + 1))),
    )
    expect(countBy(answers, ({ status }) => status)).toEqual({ 401: 50 })
    expect(await tokenRow(service(), mailed)).toEqual({ consumed_at: null, attempts: 5, failures: 5 })
    expectProblem(await answer(mailed.code), 'invalid_code')
  })

  test(
    '50 wrong ones with a right one among them sign in once at most, and count five at most',
    BURST,
    async () => {
      const { tokens, mailed, answer } = await newChallenge()
      const answers = await heldTogether(tokens.user.id, 51, () =>
        race(51, (n) => answer(n === 25 ? mailed.code : wrong(mailed, n + 1))),
      )
      const row = await tokenRow(service(), mailed)
      const signedIn = answers.filter(({ status }) => status === 200)
      expect(signedIn.length).toBeLessThanOrEqual(1)
      expect(answers[25]?.status === 200).toBe(row?.consumed_at !== null)
      expect(row?.attempts).toBeLessThanOrEqual(5)
      expect(await liveSessions(service(), tokens.user.id)).toHaveLength(1)
    },
  )

  test('50 wrong ones for an address without an account are five attempts too', BURST, async () => {
    const client = await newClient(service())
    const email = `nobody-${client.address}@example.com`
    await client.call('/v1/email/code', { json: { email } })
    const answers = await race(50, (n) =>
      client.call('/v1/email/code/verify', { json: { email, code: String(100_000 + n) } }),
    )
    expect(countBy(answers, ({ status }) => status)).toEqual({ 401: 50 })
    const rows = await service().sql(
      'select user_id, subject, attempts, failures from one_time_tokens where tenant_id = $1',
      [client.tenant.id],
    )
    expect(rows).toEqual([{ user_id: null, subject: null, attempts: 5, failures: 5 }])
  })

  test('25 codes and 25 links of one challenge sign in once', BURST, async () => {
    const { client, tokens, mailed, answer } = await newChallenge()
    const answers = await heldTogether(tokens.user.id, 50, () =>
      race(50, (n) => (n % 2 === 0 ? answer(mailed.code) : redeem(client, 'sign_in', mailed))),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(await liveSessions(service(), tokens.user.id)).toHaveLength(1)
  })
})

describe('a link', () => {
  test('opens nothing in another browser, be it one that asked for its own, and is not used up there', async () => {
    const { client, mailed } = await newChallenge()
    const other = await newChallenge()
    const headers = { 'sec-fetch-site': 'same-origin' }
    const bare = await client.call('/v1/email/link/verify', { json: { token: mailed.token }, headers })
    expectProblem(bare, 'invalid_one_time_token')
    for (const cookie of [
      other.mailed.cookie,
      '__Host-latchkey-challenge=',
      `${mailed.cookie}x`,
      mailed.cookie.replace('__Host-', ''),
      mailed.cookie.toUpperCase(),
      `${other.mailed.cookie}; ${mailed.cookie}`,
    ])
      expectProblem(await redeem(client, 'sign_in', { ...mailed, cookie }), 'invalid_one_time_token')
    expect((await redeem(client, 'sign_in', mailed)).status).toBe(200)
  })

  test('opens nothing where a browser sends the cookie and does not say that the page is ours', async () => {
    const { client, mailed } = await newChallenge()
    for (const site of ['cross-site', 'same-site', 'none'])
      expectProblem(
        await redeem(client, 'sign_in', mailed, { headers: { 'sec-fetch-site': site } }),
        'origin_not_allowed',
      )
    expect((await redeem(client, 'sign_in', mailed)).status).toBe(200)
  })

  test('is dead after the code beside it was used, and the code after the link', async () => {
    const first = await newChallenge()
    expect((await first.answer(first.mailed.code)).status).toBe(200)
    expectProblem(await redeem(first.client, 'sign_in', first.mailed), 'invalid_one_time_token')
    const second = await newChallenge()
    expect((await redeem(second.client, 'sign_in', second.mailed)).status).toBe(200)
    expectProblem(await second.answer(second.mailed.code), 'invalid_code')
  })
})
