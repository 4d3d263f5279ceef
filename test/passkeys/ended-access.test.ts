/** What ends every way into an account ends its passkeys where it ends the password, and there alone. */
import { describe, expect, test } from 'vitest'
import { type Client, newClient, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { attemptSignIn } from '../support/passkeys.ts'
import { useService } from '../support/service.ts'

const service = useService()

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
