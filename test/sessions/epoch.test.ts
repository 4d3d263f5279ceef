/**
 * An owner can always take the account back: whatever ends all sessions does it with one row, however many there are. The
 * rows of the sessions say so a little later.
 */
import { describe, expect, test } from 'vitest'
import type { ChangeType } from '../../src/events/catalogue.ts'
import { untilSoManyWait, whileHeld } from '../support/attempts.ts'
import { type Client, countBy, newClient, PASSWORD, type Tokens } from '../support/client.ts'
import { countRows, pileUpSessions } from '../support/piles.ts'
import { expectProblem } from '../support/problem.ts'
import { recordedOf } from '../support/recorded.ts'
import { NEW_PASSWORD, redeem } from '../support/redemptions.ts'
import { useLentService } from '../support/service.ts'
import { generations, sessionRow } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const BURST = { timeout: 120_000 }
const PILE = 20_000
/** How many rows the statement itself ends. */
const AT_ONCE = 250

type Owner = { client: Client; email: string; tokens: Tokens }

/** What ends the sessions of an account. */
type Ending = {
  event: ChangeType
  reason: string
  isKept?: true
  end(owner: Owner): Promise<{ status: number }>
}

const redeeming =
  (purpose: 'reset_password' | 'verify_email' | 'revert_email' | 'sign_in' | 'invitation') =>
  async ({ client, tokens }: Owner) =>
    redeem(client, purpose, await client.plant(purpose, tokens))

const ENDINGS: Record<string, Ending> = {
  'a reset': { event: 'password.changed', reason: 'secured', end: redeeming('reset_password') },
  'an accepted invitation': { event: 'password.changed', reason: 'secured', end: redeeming('invitation') },
  'the first proof of the address': {
    event: 'email.verified',
    reason: 'secured',
    end: redeeming('verify_email'),
  },
  'the first sign-in by mail': { event: 'email.verified', reason: 'secured', end: redeeming('sign_in') },
  'taking back a change of address': {
    event: 'email.reverted',
    reason: 'secured',
    end: redeeming('revert_email'),
  },
  'a change of the password': {
    event: 'password.changed',
    reason: 'secured',
    isKept: true,
    end: ({ client, tokens: { access_token: bearer } }) =>
      client.call('/v1/password/change', {
        bearer,
        json: { current_password: PASSWORD, new_password: NEW_PASSWORD },
      }),
  },
  'signing out everywhere': {
    event: 'session.revoked',
    reason: 'revoked',
    end: ({ client, tokens: { access_token: bearer } }) =>
      client.call('/v1/sessions', { method: 'DELETE', bearer }),
  },
  'signing out everywhere else': {
    event: 'session.revoked',
    reason: 'revoked',
    isKept: true,
    end: ({ client, tokens: { access_token: bearer } }) =>
      client.call('/v1/sessions?except=current', { method: 'DELETE', bearer }),
  },
  'closing the account': {
    event: 'user.deleted',
    reason: 'closed',
    end: ({ client, tokens: { access_token: bearer } }) =>
      client.call('/v1/me', { method: 'DELETE', bearer }),
  },
}

async function newOwner(settings: Record<string, number> = {}): Promise<Owner & { thief: Tokens }> {
  const client = await newClient(service(), { settings })
  const { email, tokens } = await client.newAccount()
  return { client, email, tokens, thief: await client.signIn(email) }
}

/** Whether the session opens anything, by either of its tokens. */
async function opens(client: Client, { access_token, refresh_token }: Tokens): Promise<boolean> {
  const { status } = await client.me(access_token)
  const refreshed = await client.refresh(refresh_token)
  expect(refreshed.status, 'both tokens agree').toBe(status)
  return status === 200
}

describe.each(Object.entries(ENDINGS))('accounts 6: %s', (_, { event, reason, isKept, end }) => {
  test(`with ${PILE} sessions there ends all of them at once, in one row`, BURST, async () => {
    const owner = await newOwner()
    const { client, tokens, thief } = owner
    await pileUpSessions(service(), thief, PILE)
    expect((await end(owner)).status).toBeLessThan(300)
    expect(await opens(client, thief)).toBe(false)
    expect(await opens(client, tokens)).toBe(isKept ?? false)
    // Of their rows only the newest say so yet: the statement did no more than that. Where it begins a session as well, a
    // few of the oldest end for that.
    const rows = await countRows(service(), tokens.user.id)
    expect(rows?.ending).toBe(reason)
    expect(rows?.ended).toBeGreaterThanOrEqual(AT_ONCE)
    expect(rows?.ended).toBeLessThanOrEqual(AT_ONCE + 20)

    const [recorded] = await recordedOf(service(), tokens.user.id, event)
    expect(recorded?.data.session_ids).toHaveLength(100)
    expect(recorded?.data.session_count).toBeGreaterThan(AT_ONCE)
  })
})

test('accounts 6: the rows are ended in the background, the one that was kept is not', BURST, async () => {
  const owner = await newOwner()
  const { client, tokens, thief } = owner
  await pileUpSessions(service(), thief, 5000)
  await ENDINGS['signing out everywhere else']?.end(owner)
  const later = await client.signIn(owner.email)
  expect((await service().runCron('* * * * *')).outcome).toBe('ok')
  expect(await countRows(service(), tokens.user.id)).toEqual({ ended: 5001, open: 2, ending: null })
  const reasons = await service().sql('select distinct revoke_reason from sessions where user_id = $1', [
    tokens.user.id,
  ])
  expect(reasons.map(({ revoke_reason }) => revoke_reason).toSorted()).toEqual(['displaced', null, 'revoked'])
  for (const session of [tokens, later]) expect(await opens(client, session)).toBe(true)
  expect(service().logs().join('\n')).toContain('"sessions ended"')
})

test(
  'accounts 6: of a session that is dead, whose row is still open, no token makes anything or is taken for stolen',
  BURST,
  async () => {
    const owner = await newOwner()
    const { client, tokens, thief } = owner
    const next = (await client.refresh(thief.refresh_token)).body
    const last = (await client.refresh(next.refresh_token)).body
    await pileUpSessions(service(), thief, 1000)
    expect((await ENDINGS['a reset']?.end(owner))?.status).toBe(204)
    const before = await generations(service(), thief.session.id)
    for (const { refresh_token } of [last, thief, next])
      expectProblem(await client.refresh(refresh_token), 'invalid_grant')
    expect(await generations(service(), thief.session.id)).toEqual(before)
    expect(await sessionRow(service(), thief.session.id)).toMatchObject({ revoked_at: null })
    expect(await recordedOf(service(), tokens.user.id, 'session.reuse_detected')).toEqual([])
  },
)

test('accounts 6: a restored account has none of its old sessions', BURST, async () => {
  const owner = await newOwner()
  const { client, tokens, thief } = owner
  await pileUpSessions(service(), thief, 1000)
  await ENDINGS['closing the account']?.end(owner)
  // As if the row of the thief's session had been left open.
  const restore = await client.plant('restore_account', tokens)
  expect((await redeem(client, 'restore_account', restore)).status).toBe(204)
  expect(await opens(client, thief)).toBe(false)
})

/**
 * Five sign-ins, then `end`, then 45 more, in this order in the queue for the account's row: what ends the sessions came
 * before those that it has to end.
 */
async function amongSignIns<Ended>({ client, email, tokens }: Owner, end: () => Promise<Ended>) {
  const signIns = (length: number) => Array.from({ length }, () => client.login(email))
  const held = {
    text: 'select id from users where id = $1 for update',
    values: [tokens.user.id],
    waiting: 51,
  }
  return whileHeld(service(), held, async () => {
    const first = signIns(5)
    await untilSoManyWait(service(), 5, () => false)
    const ending = end()
    await untilSoManyWait(service(), 6, () => false)
    const later = signIns(45)
    return { ended: await ending, first: await Promise.all(first), later: await Promise.all(later) }
  })
}

test('accounts 6: of 50 sign-ins with the old password beside a reset none lives', BURST, async () => {
  const owner = await newOwner()
  const { client, tokens, thief } = owner
  await pileUpSessions(service(), thief, 1000)
  const { token } = await client.plant('reset_password', tokens)
  const json = { token, password: NEW_PASSWORD }
  const { ended, first, later } = await amongSignIns(owner, () => client.call('/v1/password/reset', { json }))
  expect(ended.status).toBe(204)
  expect(countBy(first, ({ status }) => status)).toEqual({ 200: 5 })
  for (const { body } of first) expect(await opens(client, body)).toBe(false)
  expect(countBy(later, ({ status }) => status)).toEqual({ 401: 45 })
})

test(
  'accounts 6: of 50 sign-ins beside signing out everywhere the earlier end, and the later live',
  BURST,
  async () => {
    // None is displaced: a sign-in that comes first must not end the session that signs out.
    const owner = await newOwner({ max_sessions: 500 })
    const { client, tokens, thief } = owner
    await pileUpSessions(service(), thief, AT_ONCE + 50)
    const { ended, first, later } = await amongSignIns(owner, () =>
      client.call('/v1/sessions', { method: 'DELETE', bearer: tokens.access_token }),
    )
    expect(ended.status).toBe(204)
    expect(countBy([...first, ...later], ({ status }) => status)).toEqual({ 200: 50 })
    for (const { body } of first) expect(await opens(client, body)).toBe(false)
    for (const { body } of later) expect(await opens(client, body)).toBe(true)
    expectProblem(await client.me(tokens.access_token), 'invalid_token')
  },
)
