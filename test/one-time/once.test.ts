/** Any number of simultaneous redemptions of one token is one, whatever else is under way for the account. */
import { describe, expect, test } from 'vitest'
import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import { whileHeld } from '../support/attempts.ts'
import { type Client, countBy, newClient, newEmail, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'
import { liveSessions, PURPOSE_NAMES, REDEMPTIONS, redeem, setAccount } from '../support/redemptions.ts'
import { useLentService } from '../support/service.ts'
import { sessionRow, untilWaiting } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const BURST = { timeout: 180_000 }

const OTHERS: Partial<Record<OneTimePurpose, OneTimePurpose>> = {
  change_email_old: 'change_email_new',
  change_email_new: 'change_email_old',
}

/** An account whose address no one has proved, with a token; for a change, the other confirmation is there already. */
async function newRecipient(purpose: OneTimePurpose) {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  const flowId = crypto.randomUUID()
  const address = newEmail()
  const flow = (one: OneTimePurpose) => ({ flowId, ...(one === 'change_email_new' && { subject: address }) })
  const other = OTHERS[purpose]
  if (other) await client.plant(other, tokens, { ...flow(other), consumed: true })
  const mailed = await client.plant(purpose, tokens, flow(purpose))
  await setAccount(service(), tokens, REDEMPTIONS[purpose].account)
  return { client, email, tokens, mailed }
}

/** Runs the calls while someone holds the account's row, until so many of their statements wait for it. */
const heldTogether = <T>({ user }: Pick<Tokens, 'user'>, waiting: number, calls: () => Promise<T>) =>
  whileHeld(
    service(),
    { text: 'select id from users where id = $1 for no key update', values: [user.id], waiting },
    calls,
  )

/** Nothing that they were given opens anything. */
async function expectDead(client: Client, { access_token, refresh_token, session }: Tokens) {
  expect((await sessionRow(service(), session.id)).revoked_at).toBeInstanceOf(Date)
  expectProblem(await client.me(access_token), 'invalid_token')
  expectProblem(await client.refresh(refresh_token), 'invalid_grant')
}

const isSignIn = (purpose: OneTimePurpose) => purpose === 'sign_in'

describe.each(PURPOSE_NAMES)('of 50 simultaneous redemptions of a token for %s', (purpose) => {
  const { succeeds, endsAccess } = REDEMPTIONS[purpose]

  test(
    'one succeeds, and no session of a sign-in or refresh under way outlives what it ends',
    BURST,
    async () => {
      const { client, email, tokens, mailed } = await newRecipient(purpose)
      const { redemptions, others } = await heldTogether(tokens, 50, async () => {
        const before = [
          race(3, () => client.login(email)),
          race(3, () => client.refresh(tokens.refresh_token)),
        ]
        // A closed account has no sign-in that comes so far.
        if (REDEMPTIONS[purpose].account === 'open') await untilWaiting(service(), 3)
        const redeeming = race(50, () => redeem(client, purpose, mailed))
        const after = [
          race(3, () => client.login(email)),
          race(3, () => client.refresh(tokens.refresh_token)),
        ]
        return { redemptions: await redeeming, others: (await Promise.all([...before, ...after])).flat() }
      })
      const dead = countBy(redemptions, ({ status }) => status)
      expect(dead).toEqual({ [succeeds]: 1, 400: 49 })
      for (const answer of redemptions.filter(({ status }) => status === 400))
        expectProblem(answer, 'invalid_one_time_token')
      // Five wrong passwords in a row begin a delay.
      for (const { status } of others) expect([200, 401, 429]).toContain(status)
      if (!endsAccess) return
      const begun = redemptions.filter(({ status }) => status === 200 && isSignIn(purpose))
      // What signs in answers tokens.
      const ids = begun.map(({ body }) => (body as Tokens).session.id)
      expect(await liveSessions(service(), tokens.user.id)).toEqual(ids)
      for (const { status, body } of others) if (status === 200) await expectDead(client, body)
    },
  )

  test('one at most succeeds while a newer one is being made, which works once', BURST, async () => {
    const { client, tokens, mailed } = await newRecipient(purpose)
    const [old, newer] = await Promise.all([
      race(50, () => redeem(client, purpose, mailed)),
      client.plant(purpose, tokens),
    ])
    const counts = countBy(old, ({ status }) => status)
    const wonByOld = counts[succeeds] ?? 0
    expect(wonByOld).toBeLessThanOrEqual(1)
    expect(counts[400]).toBe(50 - wonByOld)
    await setAccount(service(), tokens, REDEMPTIONS[purpose].account)
    const later = await race(5, () => redeem(client, purpose, newer))
    // A change of address that happened took the other tokens of the account with it.
    const isLeft = purpose !== 'change_email_new' && purpose !== 'change_email_old'
    if (isLeft || wonByOld === 0)
      expect(countBy(later, ({ status }) => status)).toEqual({ [succeeds]: 1, 400: 4 })
    expect((await redeem(client, purpose, mailed)).status).toBe(400)
  })

  test('none succeeds where a newer one was made while they waited, and the newer one does', async () => {
    const { client, tokens, mailed } = await newRecipient(purpose)
    const [newer, ...older] = await heldTogether(tokens, 6, async () => {
      const redeeming = race(5, () => redeem(client, purpose, mailed))
      await untilWaiting(service(), 5)
      const planted = await client.plant(purpose, tokens)
      return [await redeem(client, purpose, planted), ...(await redeeming)]
    })
    expect(newer?.status).toBe(succeeds)
    expect(countBy(older, ({ status }) => status)).toEqual({ 400: 5 })
  })

  if (!endsAccess) return

  test('one that waits for a refresh ends what that refresh gave', async () => {
    const { client, tokens, mailed } = await newRecipient(purpose)
    const [refreshed, redeemed] = await oneAfterTheOther(
      tokens,
      () => client.refresh(tokens.refresh_token),
      () => redeem(client, purpose, mailed),
    )
    expect(redeemed.status).toBe(succeeds)
    if (REDEMPTIONS[purpose].account === 'open') await expectDead(client, refreshed.body)
    await expectDead(client, tokens)
  })

  test('one that a refresh waits for leaves it nothing', async () => {
    const { client, tokens, mailed } = await newRecipient(purpose)
    const [redeemed, refreshed] = await oneAfterTheOther(
      tokens,
      () => redeem(client, purpose, mailed),
      () => client.refresh(tokens.refresh_token),
    )
    expect(redeemed.status).toBe(succeeds)
    expectProblem(refreshed, 'invalid_grant')
    await expectDead(client, tokens)
  })
})

/** Both come to wait for the session, in this order. */
function oneAfterTheOther<One, Other>(
  { session }: Pick<Tokens, 'session'>,
  one: () => Promise<One>,
  other: () => Promise<Other>,
): Promise<[One, Other]> {
  const text = 'select id from sessions where id = $1 for no key update'
  return whileHeld(service(), { text, values: [session.id], waiting: 2 }, async () => {
    const first = one()
    await untilWaiting(service(), 1)
    return Promise.all([first, other()])
  })
}
