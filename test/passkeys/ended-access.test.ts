/** What ends every way into an account ends its passkeys where it ends the password, and there alone. */
import { describe, expect, test } from 'vitest'
import type { Challenge } from '../support/authenticator.ts'
import { type Client, newClient, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { attemptSecondStep, attemptSignIn, withPasskeyFactor } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

async function newOwner() {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  return { client, email, tokens, ...(await client.plantedPasskey(tokens)) }
}

const prove = ({ user }: Tokens) =>
  service().sql('update users set email_verified_at = now() where id = $1', [user.id])

const count = async ({ user }: Tokens) => {
  const rows = await service().sql('select 1 from passkeys where user_id = $1', [user.id])
  return rows.length
}

const FIRST_PROOFS: [what: string, prove: (client: Client, tokens: Tokens) => Promise<number>][] = [
  [
    'a link that proves it, in a browser that did not register',
    async (client, tokens) => {
      const { token } = await client.plant('verify_email', tokens)
      return (await client.call('/v1/email/verify', { json: { token } })).status
    },
  ],
  [
    'a code',
    async (client, tokens) => {
      const { code, cookie } = await client.plant('sign_in', tokens)
      const json = { email: tokens.user.email, code }
      return (await client.call('/v1/email/code/verify', { json, headers: { cookie } })).status
    },
  ],
  [
    'a reset',
    async (client, tokens) => {
      const { token } = await client.plant('reset_password', tokens)
      const json = { token, password: 'another battery staple' }
      return (await client.call('/v1/password/reset', { json })).status
    },
  ],
  [
    'a link that proves it, with a password that is chosen there',
    async (client, tokens) => {
      const { token } = await client.plant('verify_email', tokens)
      const json = { token, new_password: 'another battery staple' }
      return (await client.call('/v1/email/verify', { json })).status
    },
  ],
  [
    'an invitation',
    async (client, tokens) => {
      const { token } = await client.plant('invitation', tokens)
      const json = { token, password: 'another battery staple' }
      return (await client.call('/v1/invitations/accept', { json })).status
    },
  ],
]

describe('the first proof of an address takes away what a stranger may have planted', () => {
  test.each(FIRST_PROOFS)('by %s: the passkey opens nothing any more', async (_, proveBy) => {
    const { client, tokens, passkey } = await newOwner()
    expect((await attemptSignIn(client, passkey)).answer.status).toBe(200)
    expect(await proveBy(client, tokens)).toBeLessThan(300)
    expectProblem((await attemptSignIn(client, passkey)).answer, 'invalid_passkey')
    expect(await count(tokens)).toBe(0)
  })
})

test("an owner's reset keeps the passkeys and ends the sessions", async () => {
  const { client, tokens, passkey } = await newOwner()
  await prove(tokens)
  const { body: begun } = (await attemptSignIn(client, passkey)).answer
  const { token } = await client.plant('reset_password', tokens)
  const json = { token, password: 'another battery staple' }
  expect((await client.call('/v1/password/reset', { json })).status).toBe(204)
  expectProblem(await client.me(begun.access_token), 'invalid_token')
  expect((await attemptSignIn(client, passkey)).answer.status).toBe(200)
})

test('undoing a change of address takes the passkeys away: the thief who changed it may have added one', async () => {
  const { client, tokens, passkey } = await newOwner()
  await prove(tokens)
  const { token } = await client.plant('revert_email', tokens, { subject: 'before@example.com' })
  expect((await client.call('/v1/email/change/revert', { json: { token } })).status).toBe(204)
  expectProblem((await attemptSignIn(client, passkey)).answer, 'invalid_passkey')
  expect(await count(tokens)).toBe(0)
})

test('closing an account takes them away, also for when it is restored', async () => {
  const { client, tokens, passkey } = await newOwner()
  await prove(tokens)
  const { access_token: bearer } = tokens
  expect((await client.call('/v1/me', { method: 'DELETE', bearer })).status).toBeLessThan(300)
  expect(await count(tokens)).toBe(0)
  const { token } = await client.mailed('restore_account', tokens)
  await client.call('/v1/me/restore', { json: { token } })
  expectProblem((await attemptSignIn(client, passkey)).answer, 'invalid_passkey')
})

describe('a passkey that is a second factor', () => {
  const newFactor = async () => withPasskeyFactor(service(), await newClient(service()))
  type Factor = Awaited<ReturnType<typeof newFactor>>

  /** What an owner does who has the mailbox and no password. */
  const signInByReset = async ({ client, email, tokens }: Factor) => {
    await client.call('/v1/password/forgot', { json: { email } })
    const { token } = await client.mailed('reset_password', tokens)
    const password = 'another battery staple'
    expect((await client.call('/v1/password/reset', { json: { token, password } })).status).toBe(204)
    return client.login(email, password)
  }

  const asChallenge = ({ body }: Awaited<ReturnType<typeof signInByReset>>) => body as unknown as Challenge

  const expectSecondFactorAlone = async (factor: Factor) => {
    const { client, passkey, listed } = factor
    expectProblem((await attemptSignIn(client, passkey)).answer, 'invalid_passkey')
    const first = asChallenge(await signInByReset(factor))
    expect(first).toMatchObject({ status: 'mfa_required', methods: ['recovery_code', 'passkey'] })
    const { answer } = await attemptSecondStep(client, passkey, first)
    expect(answer.status).toBe(200)
    const { body } = await client.call('/v1/passkeys', { bearer: answer.body.access_token })
    expect(body).toMatchObject({ data: [{ id: listed.id, is_second_factor: true, signs_in: false }] })
  }

  test('factors 8: is asked for still when the account was closed and restored, and signs in by itself no more', async () => {
    const factor = await newFactor()
    const { client, bearer, tokens } = factor
    expect((await client.call('/v1/me', { method: 'DELETE', bearer })).status).toBeLessThan(300)
    const { token } = await client.mailed('restore_account', tokens)
    expect((await client.call('/v1/me/restore', { json: { token } })).status).toBe(204)
    await expectSecondFactorAlone(factor)
  })

  test('factors 8: is asked for still when a change of address is undone that is younger', async () => {
    const factor = await newFactor()
    const { client, email, tokens } = factor
    const { token } = await client.plant('revert_email', tokens, { subject: email })
    expect((await client.call('/v1/email/change/revert', { json: { token } })).status).toBe(204)
    await expectSecondFactorAlone(factor)
  })

  test('factors 8: is gone when a change of address is undone that is older, and the owner signs in without it', async () => {
    const factor = await newFactor()
    const { client, email, tokens, passkey } = factor
    const { token } = await client.plant('revert_email', tokens, { subject: email })
    // The passkey is older than the change; that it is a second factor is not.
    await service().sql(
      `update passkeys set created_at = now() - interval '1 day', second_factor_at = now() + interval '1 second'
       where user_id = $1`,
      [tokens.user.id],
    )
    await service().sql(
      `update recovery_codes set created_at = now() + interval '1 second' where user_id = $1`,
      [tokens.user.id],
    )
    expect((await client.call('/v1/email/change/revert', { json: { token } })).status).toBe(204)
    expect(await count(tokens)).toBe(0)
    expectProblem((await attemptSignIn(client, passkey)).answer, 'invalid_passkey')
    expect((await signInByReset(factor)).body).toHaveProperty('access_token')
  })

  test('factors 8: that no longer signs in does not let the last one be removed', async () => {
    const { client, bearer, tokens } = await newFactor()
    const other = await client.plantedPasskey(tokens)
    await service().sql('update passkeys set signs_in = false where user_id = $1 and is_second_factor', [
      tokens.user.id,
    ])
    await service().sql('delete from passwords where user_id = $1', [tokens.user.id])
    await service().sql('update users set email_verified_at = null where id = $1', [tokens.user.id])
    const answer = await client.call(`/v1/passkeys/${other.id}`, { method: 'DELETE', bearer })
    expectProblem(answer, 'last_way_in')
  })
})
