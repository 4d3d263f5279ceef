/** From what someone asks for to what the mailed link does: through the mail as it arrives, and a browser. */
import { describe, expect, test } from 'vitest'
import { createBrowser } from '../support/browser.ts'
import { type Client, newClient, newEmail, PASSWORD } from '../support/client.ts'
import { linksOf } from '../support/mail-parts.ts'
import { useMailStage } from '../support/mail-stage.ts'

const stage = useMailStage()
const NEW_PASSWORD = 'new battery staple'

/** Whatever a caller can say of the host, besides the one that they ask. */
const SPOOFED = {
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'https',
  forwarded: 'host=evil.example',
  'x-original-host': 'evil.example',
}

/** The path of the one link that was mailed to the address; its origin is the tenant's, whatever was claimed. */
async function mailedPath(email: string, { tenant }: Client): Promise<string> {
  const { service, provider } = stage()
  await service.consume()
  const [mail, ...more] = provider.sent(email)
  expect(more).toEqual([])
  expect(JSON.stringify(mail)).not.toContain('evil')
  const [[, link] = ['', '']] = linksOf(mail?.html ?? '')
  expect(link.startsWith(`${tenant.origin}/link/`), link).toBe(true)
  expect(mail?.text).toContain(link)
  return link.slice(tenant.origin.length)
}

describe('a person who', () => {
  test('is invited, opens the mail, chooses a password and is in, with what the administrator granted', async () => {
    const { service } = stage()
    const client = await newClient(service)
    const { tokens: admin } = await client.signUpAdmin()
    const email = newEmail()
    const invited = await client.call('/v1/admin/invitations', {
      json: { email, roles: ['editor'] },
      bearer: admin.access_token,
      headers: SPOOFED,
    })
    expect(invited.status).toBe(202)
    const path = await mailedPath(email, client)
    expect(path).toMatch(/^\/link\/accept-invitation\?token=lko_/)
    const { open, submit } = createBrowser(service, client.tenant)
    expect((await submit(await open(path), { name: 'Ada', password: NEW_PASSWORD })).status).toBe(200)
    const { body } = await client.login(email, NEW_PASSWORD)
    expect(body.user).toMatchObject({ email, email_verified: true, name: 'Ada', roles: ['editor'] })
    expect((await open(path)).status, 'once').toBe(400)
  })

  test('is sent to change their password by a password manager gets there by our pages and a mail', async () => {
    const { service, provider } = stage()
    const client = await newClient(service)
    const { email } = await client.signUp()
    await service.consume()
    provider.reset()
    const { open, submit } = createBrowser(service, client.tenant, { headers: SPOOFED })
    const sent = await open('/.well-known/change-password')
    expect(sent.status).toBe(303)
    const forgotten = await open(sent.headers.get('location') ?? '')
    expect((await submit(forgotten, { email })).status).toBe(200)
    const path = await mailedPath(email, client)
    expect(path).toMatch(/^\/link\/reset-password\?token=lko_/)
    expect((await submit(await open(path), { password: NEW_PASSWORD })).status).toBe(200)
    expect((await client.login(email, NEW_PASSWORD)).status).toBe(200)
  })

  test('registers where the address is proved first confirms by the page, and their password goes on', async () => {
    const { service } = stage()
    const client = await newClient(service, { settings: { registration: 'verify-first' } })
    const email = newEmail()
    expect(
      (await client.call('/v1/register', { json: { email, password: PASSWORD }, headers: SPOOFED })).status,
    ).toBe(202)
    expect((await client.login(email)).status).toBe(401)
    const path = await mailedPath(email, client)
    const { open, submit } = createBrowser(service, client.tenant)
    expect((await submit(await open(path), { password: PASSWORD })).heading).toBe('Email confirmed')
    expect((await client.login(email)).status).toBe(200)
  })

  test('newcomer 16: registers where the address is proved first presses one button there, and their password goes on', async () => {
    const { service } = stage()
    const client = await newClient(service, { settings: { registration: 'verify-first' } })
    const email = newEmail()
    const registered = await client.call('/v1/register', { json: { email, password: PASSWORD } })
    const cookie = registered.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const path = await mailedPath(email, client)
    const other = createBrowser(service, client.tenant)
    const elsewhere = await other.open(path)
    expect(elsewhere.form?.fields, 'another browser').toHaveProperty('password')
    expect((await other.submit(elsewhere)).status).toBe(422)
    const { open, submit } = createBrowser(service, client.tenant, { headers: { cookie } })
    const page = await open(path)
    expect(Object.keys(page.form?.fields ?? {})).toEqual(['token'])
    expect((await submit(page)).heading).toBe('Email confirmed')
    expect((await client.login(email)).status).toBe(200)
  })

  test('newcomer 16: owns an address that an attacker registered chooses a password by the page, and theirs is gone', async () => {
    const { service } = stage()
    const attacker = await newClient(service, { settings: { registration: 'verify-first' } })
    const email = newEmail()
    await attacker.call('/v1/register', { json: { email, password: 'the password of Eve' } })
    const path = await mailedPath(email, attacker)
    const { open, submit } = createBrowser(service, attacker.tenant)
    const page = await open(path)
    expect((await submit(page, { password: NEW_PASSWORD })).status).toBe(401)
    expect((await submit(page, { new_password: NEW_PASSWORD })).heading).toBe('Email confirmed')
    expect((await attacker.login(email, 'the password of Eve')).status).toBe(401)
    expect((await attacker.login(email, NEW_PASSWORD)).status).toBe(200)
  })

  test('asks to sign in by e-mail is signed in by the page, in the browser that asked', async () => {
    const { service } = stage()
    const client = await newClient(service)
    const { email } = await client.signUp()
    const asked = await client.call('/v1/email/code', { json: { email }, headers: SPOOFED })
    const cookie = asked.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const path = await mailedPath(email, client)
    const other = createBrowser(service, client.tenant)
    expect((await other.submit(await other.open(path))).status, 'a browser that did not ask').toBe(400)
    const { open, submit } = createBrowser(service, client.tenant, { headers: { cookie } })
    expect((await submit(await open(path))).heading).toBe('You are signed in')
  })

  test('closes their account has it back by the page', async () => {
    const { service } = stage()
    const client = await newClient(service)
    const { email, tokens } = await client.signUp()
    const closed = await client.call('/v1/me', {
      method: 'DELETE',
      bearer: tokens.access_token,
      headers: SPOOFED,
    })
    expect(closed.status).toBe(204)
    const path = await mailedPath(email, client)
    const { open, submit } = createBrowser(service, client.tenant)
    expect((await submit(await open(path))).heading).toBe('Account restored')
    const [row] = await service.sql('select deleted_at from users where id = $1', [tokens.user.id])
    expect(row).toEqual({ deleted_at: null })
  })
})
