/** An owner lost the second factors: an administrator asks for their removal, time carries it out, and the owner can stop it. */
import { describe, expect, test } from 'vitest'
import { challenge, codeAt, enrol, verifyMfa } from '../support/authenticator.ts'
import { newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { attemptSignIn, withPasskeyFactor } from '../support/passkeys.ts'
import { recordedOf } from '../support/recorded.ts'
import { newLoss, REASON, removalPath } from '../support/second-factor-removal.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, {
  method: 'POST',
  path: '/v1/admin/users/:id/second-factor-removal',
  allow: 'POST, DELETE',
  caller: 'admin',
  json: REASON,
})

const HOUR = 3_600_000

describe('accepts', () => {
  test('factors 8: a removal that waits for 24 hours, and removes nothing before; its time and reason are told', async () => {
    const { client, admin, owner, ask, minute, wait } = await newLoss(service())
    const { status, body } = await ask()
    expect(status).toBe(202)
    expect(body).toMatchObject({ user_id: owner.tokens.user.id, requested_by: admin.user.id, ...REASON })
    const { requested_at, due_at } = body as { requested_at: string; due_at: string }
    expect(Date.parse(due_at) - Date.parse(requested_at)).toBe(24 * HOUR)
    expect(await recordedOf(service(), owner.tokens.user.id, 'second_factor.removal_requested')).toEqual([
      { actor: admin.user.id, data: { removal_id: body.id, due_at, ...REASON } },
    ])
    await wait('23 hours 59 minutes')
    await minute()
    expect(await challenge(client, owner.email)).toMatchObject({ methods: ['totp', 'recovery_code'] })
  })

  test('factors 8: when it is due the factors are gone, every session has ended, and the owner signs in with the password', async () => {
    const { client, owner, ask, minute, wait, outcomes } = await newLoss(service())
    await ask()
    await wait('24 hours')
    await race(5, minute)
    expect(await outcomes()).toEqual(['removed'])
    expectProblem(await client.me(owner.tokens.access_token), 'invalid_token')
    const rows = await service().sql(
      `select (select count(*)::int from totp_factors where user_id = $1) as apps,
         (select count(*)::int from recovery_codes where user_id = $1) as codes,
         (select second_factor_since from users where id = $1) as since`,
      [owner.tokens.user.id],
    )
    expect(rows).toEqual([{ apps: 0, codes: 0, since: null }])
    expect((await client.login(owner.email)).body).toHaveProperty('access_token')
    expect(await recordedOf(service(), owner.tokens.user.id, 'second_factor.removed')).toEqual([
      { actor: null, data: { factor: 'all', by: 'administrator', session_ids: [owner.tokens.session.id] } },
    ])
  })

  test('the waiting time that the tenant says, and no shorter one than 12 hours', async () => {
    const { ask } = await newLoss(service(), { second_factor_removal_hours: 72 })
    const { requested_at, due_at } = (await ask()).body as { requested_at: string; due_at: string }
    expect(Date.parse(due_at) - Date.parse(requested_at)).toBe(72 * HOUR)
    const tooShort = newClient(service(), { settings: { second_factor_removal_hours: 0 } })
    await expect(tooShort).rejects.toThrow()
  })

  test('one removal at a time: 50 requests at once are one, with one event, and all are answered the same', async () => {
    const { owner, ask, outcomes } = await newLoss(service())
    const answers = await race(50, ask)
    expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1)
    expect(await outcomes()).toEqual([null])
    expect(await recordedOf(service(), owner.tokens.user.id, 'second_factor.removal_requested')).toHaveLength(
      1,
    )
  })

  test('factors 8: a passkey that is one goes too, also as a way to sign in; one that is none stays', async () => {
    const client = await newClient(service())
    const { tokens: admin } = await client.signUpAdmin()
    const owner = await withPasskeyFactor(service(), client)
    const { passkey: other } = await client.plantedPasskey(owner.tokens)
    const { id } = owner.tokens.user
    await client.call(removalPath(id), { bearer: admin.access_token, json: REASON })
    await service().sql(`update second_factor_removals set due_at = now() where user_id = $1`, [id])
    await service().runCron('* * * * *')
    expect((await client.login(owner.email)).body).toHaveProperty('access_token')
    expectProblem((await attemptSignIn(client, owner.passkey)).answer, 'invalid_passkey')
    expect((await attemptSignIn(client, other)).answer.status).toBe(200)
  })

  test('an app that a hundred wrong codes disabled: after the removal the owner adds another', async () => {
    const { client, owner, ask, minute, wait } = await newLoss(service())
    const mfa = await challenge(client, owner.email)
    await verifyMfa(client, mfa, '000000')
    await service().sql('update sign_in_failures set consecutive_failures = 100 where tenant_id = $1', [
      client.tenant.id,
    ])
    expectProblem(await verifyMfa(client, mfa, codeAt(owner.secret)), 'second_factor_disabled')
    await ask()
    await wait('24 hours')
    await minute()
    const tokens = (await client.login(owner.email)).body
    expect(await enrol(service(), client, { email: owner.email, tokens })).toHaveProperty('secret')
  })
})

describe('refuses', () => {
  test('an account without a second factor, one that is not there, and one of another tenant', async () => {
    const { client, admin } = await newLoss(service())
    const foreign = await newLoss(service())
    const ask = (id: string) => client.call(removalPath(id), { bearer: admin.access_token, json: REASON })
    const { tokens: without } = await client.signUp()
    expectProblem(await ask(without.user.id), 'no_second_factor')
    expectProblem(await ask(crypto.randomUUID()), 'not_found')
    expectProblem(await ask('x'), 'not_found')
    expectProblem(await ask(foreign.owner.tokens.user.id), 'not_found')
    expect(await foreign.outcomes()).toEqual([])
  })

  test('a reason of nothing but blanks', async () => {
    const { client, admin, owner } = await newLoss(service())
    const json = { reason: '  ' }
    const answer = await client.call(removalPath(owner.tokens.user.id), { bearer: admin.access_token, json })
    expectInvalidInput(answer, { '/reason': 'too_short' })
  })
})

describe('attacks', () => {
  test.each([
    ['the app', (secret: string) => codeAt(secret), 'totp'],
    ['a recovery code', (_: string, codes: string[]) => codes[0] ?? '', 'recovery_code'],
  ])(
    'factors 8: who talks an administrator into it is stopped by the owner, who signs in with %s',
    async (_, codeOf, method) => {
      const { client, owner, ask, minute, wait, outcomes } = await newLoss(service())
      await ask()
      await wait('1 hour')
      const mfa = await challenge(client, owner.email)
      expect((await verifyMfa(client, mfa, codeOf(owner.secret, owner.recoveryCodes), method)).status).toBe(
        200,
      )
      await minute()
      expect(await outcomes()).toEqual(['factor_used'])
      expect(await recordedOf(service(), owner.tokens.user.id, 'second_factor.removal_cancelled')).toEqual([
        { actor: null, data: { removal_id: expect.any(String), by: 'factor' } },
      ])
      expect(await challenge(client, owner.email)).toMatchObject({ status: 'mfa_required' })
    },
  )

  test('factors 8: a use at the last moment stops it, though it is due', async () => {
    const { client, owner, ask, minute, wait, outcomes } = await newLoss(service())
    await ask()
    await wait('24 hours')
    await verifyMfa(client, await challenge(client, owner.email), codeAt(owner.secret))
    await minute()
    expect(await outcomes()).toEqual(['factor_used'])
  })

  test('factors 8: a session of the password alone, or one of before, does not stop it', async () => {
    const { client, owner, ask, minute, wait, outcomes } = await newLoss(service())
    await ask()
    await wait('24 hours')
    await challenge(client, owner.email)
    await client.refresh(owner.tokens.refresh_token)
    await minute()
    expect(await outcomes()).toEqual(['removed'])
  })

  test('factors 8: a stranger with the password uses up the hundred codes; a recovery code lets the owner in and lifts that, a wrong one does not', async () => {
    const { client, owner } = await newLoss(service())
    const mfa = await challenge(client, owner.email)
    await verifyMfa(client, mfa, '000000')
    await service().sql('update sign_in_failures set consecutive_failures = 100 where tenant_id = $1', [
      client.tenant.id,
    ])
    const wrong = `${'0'.repeat(26)}`
    expectProblem(await verifyMfa(client, mfa, wrong, 'recovery_code'), 'second_factor_disabled')
    const code = owner.recoveryCodes[0] ?? ''
    expect((await verifyMfa(client, mfa, code, 'recovery_code')).status).toBe(200)
    const again = await challenge(client, owner.email)
    expect((await verifyMfa(client, again, codeAt(owner.secret))).status).toBe(200)
  })
})
