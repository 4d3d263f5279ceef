import { expect, test } from 'vitest'
import { asksByAddress } from '../support/asking.ts'
import { newClient, PASSWORD } from '../support/client.ts'
import { tokensOf } from '../support/one-time.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

asksByAddress(service, {
  path: '/v1/email/resend',
  purpose: 'verify_email',
  event: 'email.verification_requested',
  body: { status: 'verification_sent' },
})

test('mails the link of a registration once more: the newest alone proves the address', async () => {
  const client = await newClient(service(), { settings: { registration: 'verify-first' } })
  const email = 'someone@example.com'
  expect((await client.register(email)).status).toBe(202)
  const [registered] = await tokensOf(service(), client.tenant)
  const user = { id: String(registered?.user_id) } as never
  const first = await client.mailed('verify_email', { user })
  expect((await client.call('/v1/email/resend', { json: { email } })).status).toBe(202)
  const second = await client.mailed('verify_email', { user })
  const verify = (token: string) => client.call('/v1/email/verify', { json: { token, password: PASSWORD } })
  expect((await verify(first.token)).status).toBe(400)
  expect((await verify(second.token)).status).toBe(200)
  expect((await client.login(email)).status).toBe(200)
})

test('makes an account whose address is proved no token, and answers the same', async () => {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
  const answer = await client.call('/v1/email/resend', { json: { email } })
  expect(answer).toMatchObject({ status: 202, body: { status: 'verification_sent' } })
  expect(await tokensOf(service(), client.tenant)).toMatchObject([{ user_id: null, subject: null }])
})
