/**
 * Accounts that someone else had first (CASES H07): who proves an address gets its account, and nothing that was
 * planted before works. And the other way round: who had an account gets it back from who took it over.
 */
import { describe, expect, test } from 'vitest'
import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import { type Client, createClient, newClient, newEmail, PASSWORD, type Tokens } from '../support/client.ts'
import type { Mailed } from '../support/mailed.ts'
import { expectProblem } from '../support/problem.ts'
import { liveSessions, PURPOSE_NAMES, redeem } from '../support/redemptions.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const MODES = ['sign-in-at-once', 'verify-first'] as const
type Mode = (typeof MODES)[number]

const REPEAT = { 'idempotency-key': '0199aaaa-planted' }
const cookieOf = (headers: Headers, name: string) =>
  new RegExp(`${name}=[^;]+`).exec(headers.getSetCookie().join('\n'))?.[0] ?? ''

type Planted = {
  email: string
  user: Tokens['user']
  sessions: Tokens[]
  /** What was mailed, no matter who can read it: none of it may work. */
  mailed: [purpose: OneTimePurpose, Mailed][]
  deviceCookie: string
}

/** Everything that an attacker can do with an address that is not theirs, before its owner comes. */
async function plantAccount(attacker: Client, mode: Mode): Promise<Planted> {
  const email = newEmail()
  const json = { email, password: PASSWORD, name: 'Not the owner' }
  const registered = await attacker.call<Tokens>('/v1/register', { json, headers: REPEAT })
  expect(registered.status).toBe(mode === 'verify-first' ? 202 : 201)
  const [user] = await service().sql<Tokens['user']>('select id, email from users where email = $1', [email])
  if (!user) throw new Error('no one was registered')
  const sessions: Tokens[] = []
  if (mode === 'sign-in-at-once') {
    sessions.push(registered.body, await attacker.signIn(email))
    const change = { bearer: registered.body.access_token, json: { email: newEmail() } }
    expect((await attacker.call('/v1/email/change', change)).status).toBe(202)
    const { token } = await attacker.mailed('change_email_new', { user })
    const waiting = await attacker.call('/v1/email/change/confirm', { json: { token } })
    expect(waiting.body).toEqual({ status: 'waiting' })
  }
  await attacker.call('/v1/password/forgot', { json: { email } })
  const asked = await attacker.call('/v1/email/code', { json: { email } })
  const cookie = cookieOf(asked.headers, '__Host-latchkey-challenge')
  const rows = await service().sql<{ purpose: OneTimePurpose }>(
    'select purpose from one_time_tokens where user_id = $1',
    [user.id],
  )
  const mailed: Planted['mailed'] = []
  for (const { purpose } of rows)
    mailed.push([purpose, { ...(await attacker.mailed(purpose, { user })), cookie }])
  const deviceCookie = cookieOf(registered.headers, '__Host-latchkey-device')
  return { email, user, sessions, mailed, deviceCookie }
}

async function expectNothingPlantedWorks(attacker: Client, planted: Planted) {
  const { email, sessions, mailed, deviceCookie } = planted
  expectProblem(await attacker.login(email), 'invalid_credentials')
  const known = { json: { email, password: PASSWORD }, headers: { cookie: deviceCookie } }
  expectProblem(await attacker.call('/v1/login', known), 'invalid_credentials')
  for (const { access_token: bearer, refresh_token } of sessions) {
    expectProblem(await attacker.me(bearer), 'invalid_token')
    expectProblem(await attacker.refresh(refresh_token), 'invalid_grant')
    const change = { current_password: PASSWORD, new_password: 'planted once more' }
    expectProblem(await attacker.call('/v1/password/change', { bearer, json: change }), 'invalid_token')
    const away = { bearer, json: { email: newEmail() } }
    expectProblem(await attacker.call('/v1/email/change', away), 'invalid_token')
    expectProblem(await attacker.call('/v1/me', { method: 'DELETE', bearer }), 'invalid_token')
  }
  for (const [purpose, token] of mailed)
    expectProblem(await redeem(attacker, purpose, token), 'invalid_one_time_token')
  const challenge = mailed.find(([purpose]) => purpose === 'sign_in')?.[1]
  const json = { email, code: challenge?.code }
  expectProblem(await attacker.call('/v1/email/code/verify', { json }), 'invalid_code')
  const repeated = await attacker.call<Tokens>('/v1/register', {
    json: { email, password: PASSWORD, name: 'Not the owner' },
    headers: REPEAT,
  })
  if (repeated.status === 201) {
    expectProblem(await attacker.me(repeated.body.access_token), 'invalid_token')
    expectProblem(await attacker.refresh(repeated.body.refresh_token), 'invalid_grant')
  }
}

/** How the owner proves the address. @returns tokens where that signs them in, else null */
type Proof = (owner: Client, planted: Planted) => Promise<Tokens | null>

const ask = async (owner: Client, path: string, { email, user }: Planted, purpose: OneTimePurpose) => {
  const { status, headers } = await owner.call(path, { json: { email } })
  expect(status).toBe(202)
  const cookie = cookieOf(headers, '__Host-latchkey-challenge')
  return { ...(await owner.mailed(purpose, { user })), cookie }
}

const PROOFS: Record<string, Proof> = {
  'a verification without a password': async (owner, planted) => {
    const mailed = await ask(owner, '/v1/email/resend', planted, 'verify_email')
    const { status, body } = await redeem(owner, 'verify_email', mailed)
    expect({ status, body }).toEqual({ status: 200, body: { status: 'verified', password: 'removed' } })
    return null
  },
  'a new password': async (owner, planted) => {
    const mailed = await ask(owner, '/v1/password/forgot', planted, 'reset_password')
    expect((await redeem(owner, 'reset_password', mailed)).status).toBe(204)
    return null
  },
  'a code': async (owner, planted) => {
    const { code } = await ask(owner, '/v1/email/code', planted, 'sign_in')
    const json = { email: planted.email, code }
    const { status, body } = await owner.call<Tokens>('/v1/email/code/verify', { json })
    expect(status).toBe(200)
    return body
  },
  'a link': async (owner, planted) => {
    const mailed = await ask(owner, '/v1/email/code', planted, 'sign_in')
    const { status, body } = await redeem(owner, 'sign_in', mailed)
    expect(status).toBe(200)
    return body as Tokens // of a sign-in
  },
  'an invitation': async (owner, { email, user }) => {
    const registration = (mode: Mode) =>
      service().sql(`update tenants set settings = settings || $2 where id = $1`, [
        owner.tenant.id,
        { registration: mode },
      ])
    await registration('sign-in-at-once') // for an administrator who has tokens
    const { tokens: admin } = await owner.signUpAdmin()
    await registration('verify-first')
    const invited = { bearer: admin.access_token, json: { email, roles: ['editor'] } }
    expect((await owner.call('/v1/admin/invitations', invited)).status).toBe(202)
    const mailed = { ...(await owner.mailed('invitation', { user })), cookie: '' }
    expect((await redeem(owner, 'invitation', mailed)).status).toBe(204)
    return null
  },
}

async function stored(userId: string) {
  const [row] = await service().sql(
    `select email, email_verified_at is not null as is_verified, deleted_at, roles,
       exists (select from passwords where user_id = users.id) as has_password from users where id = $1`,
    [userId],
  )
  return row
}

/** The owner chooses a password and signs in: the account is theirs alone. */
async function expectOwned(
  owner: Client,
  { email, user }: Pick<Planted, 'email' | 'user'>,
  password: string,
) {
  await owner.call('/v1/password/forgot', { json: { email } })
  const { token } = await owner.mailed('reset_password', { user })
  expect((await owner.call('/v1/password/reset', { json: { token, password } })).status).toBe(204)
  const { status, body } = await owner.login(email, password)
  expect(status).toBe(200)
  expect(body.user).toMatchObject({ id: user.id, email, email_verified: true })
  expect(await liveSessions(service(), user.id)).toEqual([body.session.id])
}

describe.each(MODES)('an account that an attacker registered, where registration is %s,', (mode) => {
  test.each(Object.entries(PROOFS))('is its owner’s alone after %s', async (_, prove) => {
    const owner = await newClient(service(), { settings: { registration: mode } })
    const attacker = createClient(service(), owner.tenant)
    const planted = await plantAccount(attacker, mode)
    const tokens = await prove(owner, planted)
    await expectNothingPlantedWorks(attacker, planted)
    expect(await liveSessions(service(), planted.user.id)).toEqual(tokens ? [tokens.session.id] : [])
    expect(await stored(planted.user.id)).toMatchObject({ email: planted.email, is_verified: true })
    if (tokens) expect((await owner.me(tokens.access_token)).body).toMatchObject({ id: planted.user.id })
    const left = await service().sql(
      'select purpose from one_time_tokens where user_id = $1 and consumed_at is null',
      [planted.user.id],
    )
    expect(left).toEqual([])
    await expectOwned(owner, planted, 'the password of its owner')
  })

  test('stays as it is for who gives its password with the proof', async () => {
    const owner = await newClient(service(), { settings: { registration: mode } })
    const planted = await plantAccount(owner, mode)
    const mailed = await ask(owner, '/v1/email/resend', planted, 'verify_email')
    const wrong = { token: mailed.token, password: 'not that password' }
    expectProblem(await owner.call('/v1/email/verify', { json: wrong }), 'invalid_credentials')
    const right = { token: mailed.token, password: PASSWORD }
    const { body } = await owner.call('/v1/email/verify', { json: right })
    expect(body).toEqual({ status: 'verified', password: 'kept' })
    for (const { access_token, session } of planted.sessions) {
      expect((await owner.me(access_token)).body).toMatchObject({ email_verified: true })
      expect(await liveSessions(service(), planted.user.id)).toContain(session.id)
    }
    const others = planted.mailed.filter(([purpose]) => purpose !== 'verify_email')
    for (const [purpose, { id }] of others)
      expect((await owner.mailed(purpose, planted)).id, purpose).toBe(id)
    expect((await owner.login(planted.email)).status).toBe(200)
  })
})

test('a proof that is not the first ends nothing', async () => {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
  const mailed = await client.plant('verify_email', tokens)
  expect((await redeem(client, 'verify_email', mailed)).body).toEqual({
    status: 'verified',
    password: 'kept',
  })
  const code = (await client.plant('sign_in', tokens)).code
  expect((await client.call('/v1/email/code/verify', { json: { email, code } })).status).toBe(200)
  expect((await redeem(client, 'sign_in', await client.plant('sign_in', tokens))).status).toBe(200)
  expect((await client.me(tokens.access_token)).status).toBe(200)
  expect((await client.login(email)).status).toBe(200)
})

/** A thief holds a session and the password, and both confirmations of a change came about. */
async function takeOver() {
  const owner = await newClient(service())
  const { email, tokens } = await owner.signUp()
  const thief = createClient(service(), owner.tenant)
  const stolen = await thief.signIn(email)
  const changeTo = async ({ access_token: bearer }: Tokens, address: string) => {
    expect((await thief.call('/v1/email/change', { bearer, json: { email: address } })).status).toBe(202)
    for (const purpose of ['change_email_old', 'change_email_new'] as const) {
      const { token } = await thief.mailed(purpose, tokens)
      expect((await thief.call('/v1/email/change/confirm', { json: { token } })).status).toBe(200)
    }
  }
  const address = newEmail()
  await changeTo(stolen, address)
  const revert = { ...(await owner.mailed('revert_email', tokens)), cookie: '' }
  return { owner, email, tokens, thief, stolen, address, revert, changeTo }
}

const undo = (owner: Client, revert: Pick<Mailed, 'token' | 'cookie'>) =>
  redeem(owner, 'revert_email', revert)

describe('an account that was taken over', () => {
  test('is given back by the old address: no password, session or link of the thief is left', async () => {
    const { owner, email, tokens, thief, stolen, address, revert } = await takeOver()
    const password = 'the password of the thief'
    const json = { current_password: PASSWORD, new_password: password }
    const changed = await thief.call<Tokens>('/v1/password/change', { bearer: stolen.access_token, json })
    expect(changed.status).toBe(200)
    const { body: second } = await thief.login(address, password)
    await thief.call('/v1/password/forgot', { json: { email: address } })
    const challenge = await thief.call('/v1/email/code', { json: { email: address } })
    const cookie = cookieOf(challenge.headers, '__Host-latchkey-challenge')
    await thief.call('/v1/email/change', { bearer: second.access_token, json: { email: newEmail() } })
    const mailed: [OneTimePurpose, Mailed][] = []
    for (const purpose of ['reset_password', 'sign_in', 'change_email_old', 'change_email_new'] as const)
      mailed.push([purpose, { ...(await thief.mailed(purpose, tokens)), cookie }])

    expect((await undo(owner, revert)).status).toBe(204)
    expect(await stored(tokens.user.id)).toMatchObject({ email, is_verified: true, has_password: false })
    expect(await liveSessions(service(), tokens.user.id)).toEqual([])
    for (const session of [stolen, changed.body, second]) {
      expectProblem(await thief.me(session.access_token), 'invalid_token')
      if (session.refresh_token) expectProblem(await thief.refresh(session.refresh_token), 'invalid_grant')
    }
    for (const at of [address, email])
      for (const known of [password, PASSWORD])
        expectProblem(await thief.login(at, known), 'invalid_credentials')
    for (const [purpose, token] of mailed)
      expectProblem(await redeem(thief, purpose, token), 'invalid_one_time_token')
    await expectOwned(owner, { email, user: tokens.user }, 'the password of its owner')
    expectProblem(await undo(owner, revert), 'invalid_one_time_token')
  })

  test('is given back also when the thief has closed it, and cannot be restored by them', async () => {
    const { owner, email, tokens, thief, stolen, revert } = await takeOver()
    const closed = await thief.call('/v1/me', { method: 'DELETE', bearer: stolen.access_token })
    expect(closed.status).toBe(204)
    const restore = { ...(await thief.mailed('restore_account', tokens)), cookie: '' }
    expect((await undo(owner, revert)).status).toBe(204)
    expect(await stored(tokens.user.id)).toMatchObject({ email, is_verified: true, deleted_at: null })
    expectProblem(await redeem(thief, 'restore_account', restore), 'invalid_one_time_token')
    expectProblem(await thief.me(stolen.access_token), 'invalid_token')
    await expectOwned(owner, { email, user: tokens.user }, 'the password of its owner')
  })

  test('is given back although the thief closed and restored it, or reset, proved or changed its password', async () => {
    for (const purpose of ['restore_account', 'reset_password', 'verify_email'] as const) {
      const { owner, email, tokens, thief, stolen, revert } = await takeOver()
      if (purpose === 'restore_account')
        await thief.call('/v1/me', { method: 'DELETE', bearer: stolen.access_token })
      const [row] = await service().sql<{ email: string }>('select email from users where id = $1', [
        tokens.user.id,
      ])
      const mailed = await thief.plant(purpose, tokens, { subject: row?.email ?? '' })
      expect((await redeem(thief, purpose, mailed)).status).toBeLessThan(300)
      expect((await undo(owner, revert)).status, purpose).toBe(204)
      expect(await stored(tokens.user.id)).toMatchObject({ email, has_password: false })
      expect(await liveSessions(service(), tokens.user.id)).toEqual([])
    }
  })

  test('is given back although the thief changed the address twice and undid the second change', async () => {
    const { owner, email, tokens, thief, stolen, address, revert, changeTo } = await takeOver()
    await changeTo(stolen, newEmail())
    const [row] = await service().sql(
      `select subject from one_time_tokens where user_id = $1 and holder like $2`,
      [tokens.user.id, `% ${address}`],
    )
    expect(row).toEqual({ subject: address })
    const theirs = { ...(await thief.mailed('revert_email', tokens)), cookie: '' }
    expect((await undo(thief, theirs)).status).toBe(204)
    expect(await stored(tokens.user.id)).toMatchObject({ email: address })
    expect((await undo(owner, revert)).status).toBe(204)
    expect(await stored(tokens.user.id)).toMatchObject({ email })
  })

  test('is given back although the thief registered the old address anew, which no one has proved', async () => {
    const { owner, email, tokens, thief, stolen, revert } = await takeOver()
    const { status, body: squatter } = await thief.register(email, 'the password of the thief')
    expect(status).toBe(201)
    expect((await undo(owner, revert)).status).toBe(204)
    expect(await stored(tokens.user.id)).toMatchObject({ email, is_verified: true })
    expectProblem(await thief.me(squatter.access_token), 'invalid_token')
    expectProblem(await thief.me(stolen.access_token), 'invalid_token')
    expectProblem(await thief.login(email, 'the password of the thief'), 'invalid_credentials')
    await expectOwned(owner, { email, user: tokens.user }, 'the password of its owner')
  })

  test('is not taken again by what would undo the changes that the thief made after that', async () => {
    const { owner, email, tokens, thief, stolen, revert, changeTo } = await takeOver()
    await changeTo(stolen, newEmail())
    const theirs = { ...(await thief.mailed('revert_email', tokens)), cookie: '' }
    expect((await undo(owner, revert)).status).toBe(204)
    expectProblem(await undo(thief, theirs), 'invalid_one_time_token')
    expect(await stored(tokens.user.id)).toMatchObject({ email })
  })
})

test('every purpose that a proof must void is planted, or cannot be by an attacker', () => {
  const planted = ['verify_email', 'reset_password', 'change_email_old', 'change_email_new', 'sign_in']
  // Made only after a proof, by the owner or by an administrator.
  const later = ['revert_email', 'restore_account', 'invitation']
  expect([...planted, ...later].toSorted()).toEqual(PURPOSE_NAMES.toSorted())
})
