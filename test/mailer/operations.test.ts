/** What the operations themselves have mailed, from the request to the mailbox. */
import { describe, expect, test } from 'vitest'
import { type Client, createClient, newClient, newEmail, PASSWORD } from '../support/client.ts'
import { linksOf } from '../support/mail-parts.ts'
import { newPerson, useMailStage } from '../support/mail-stage.ts'

const stage = useMailStage()

/** Everything by which a caller can claim another host than the one that it asked. */
const SPOOFED = {
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '8443',
  'x-forwarded-server': 'evil.example',
  'x-forwarded-prefix': '/evil',
  'x-original-host': 'evil.example',
  'x-original-url': 'https://evil.example/',
  'x-rewrite-url': 'https://evil.example/',
  'x-http-host-override': 'evil.example',
  'x-host': 'evil.example',
  forwarded: 'host=evil.example;proto=https',
  referer: 'https://evil.example/',
}

type Asked = { client: Client; email: string; bearer: string; newAddress: string }

const OPERATIONS: [
  path: string,
  purpose: string,
  to: 'email' | 'newAddress',
  json: (asked: Asked) => object,
][] = [
  ['/v1/password/forgot', 'reset-password', 'email', ({ email }) => ({ email })],
  ['/v1/email/code', 'sign-in', 'email', ({ email }) => ({ email })],
  ['/v1/email/resend', 'verify-email', 'email', ({ email }) => ({ email })],
  ['/v1/email/change', 'change-email', 'email', ({ newAddress }) => ({ email: newAddress })],
  ['/v1/email/change', 'change-email', 'newAddress', ({ newAddress }) => ({ email: newAddress })],
]

describe('a link is of the origin that the tenant states', () => {
  test.each(OPERATIONS)(
    'whatever host the caller of %s claims: %s to their %s',
    async (path, page, to, json) => {
      const { service, provider } = stage()
      const { tenant } = await newClient(service)
      // The host that is asked is one of the tenant's, and not the one that it states.
      const host = `also-${tenant.host}`
      await service.sql('insert into tenant_hosts (host, tenant_id) values ($1, $2)', [host, tenant.id])
      const client = createClient(service, { ...tenant, host, origin: `http://${host}` })
      const { email, tokens } = await client.signUp()
      const asked = { client, email, bearer: tokens.access_token, newAddress: newEmail() }
      const bearer = path === '/v1/email/change' ? { bearer: asked.bearer } : {}
      const { status } = await client.call(path, { json: json(asked), headers: SPOOFED, ...bearer })
      expect(status).toBe(202)
      await service.consume()
      const [mail, ...more] = provider.sent(asked[to])
      expect(more).toEqual([])
      expect(linksOf(mail?.html ?? '')).toEqual([
        ['href', expect.stringMatching(new RegExp(`^${tenant.origin}/link/${page}\\?token=lko_[\\w-]{43}$`))],
        ['href', tenant.origin],
      ])
      expect(JSON.stringify(mail)).not.toMatch(/evil|8443/)
    },
  )
})

test('an address without an account is mailed nothing, by any of them', async () => {
  const { service, provider } = stage()
  const client = await newClient(service)
  for (const path of ['/v1/password/forgot', '/v1/email/code', '/v1/email/resend'])
    expect((await client.call(path, { json: { email: newEmail() } })).status).toBe(202)
  await service.consume()
  expect(provider.calls()).toEqual([])
})

test('who registers an address is told to confirm it, and once it is proved, that it has an account', async () => {
  const { service, provider } = stage()
  const client = await newClient(service, { settings: { registration: 'verify-first' } })
  const email = newEmail()
  expect((await client.register(email, PASSWORD, { name: 'Call 0900' })).status).toBe(202)
  await service.consume()
  expect(provider.sent(email).map(({ subject }) => subject)).toEqual([
    `Confirm your email for ${client.tenant.name}`,
  ])
  expect(provider.sent(email)[0]?.text).not.toContain('0900')
  await service.sql('update users set email_verified_at = now() where email = $1', [email])
  expect((await client.register(email.toUpperCase())).status).toBe(202)
  await service.consume()
  expect(provider.sent().map(({ to, subject }) => [to, subject])).toEqual([
    [email, `Confirm your email for ${client.tenant.name}`],
    [email, `You already have an account at ${client.tenant.name}`],
  ])
})

test('an address in any spelling is mailed as it is stored', async () => {
  const { service, provider } = stage()
  const { client, email } = await newPerson(stage())
  const upper = email.toUpperCase()
  expect(upper).not.toBe(email)
  await client.call('/v1/password/forgot', { json: { email: upper } })
  await service.consume()
  expect(provider.sent().map(({ to }) => to)).toEqual([email])
})

test('that sessions were ended, and that the account was closed, is told to its owner', async () => {
  const { service, provider } = stage()
  const { client, email } = await newPerson(stage())
  const { access_token: bearer } = await client.signIn(email)
  for (const path of ['/v1/sessions?except=current', '/v1/me']) {
    expect((await client.call(path, { method: 'DELETE', bearer })).status).toBe(204)
    await service.consume()
  }
  const { name, origin } = client.tenant
  const [ended, closed, ...more] = provider.sent()
  expect(more).toEqual([])
  expect(ended).toMatchObject({ to: email, subject: `Devices were signed out of ${name}` })
  expect(closed).toMatchObject({ to: email, subject: `Your account at ${name} was closed` })
  expect(closed?.text).toContain(`${origin}/link/restore-account?token=lko_`)
})
