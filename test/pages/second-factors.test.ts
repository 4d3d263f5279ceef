/** Second factors on the pages: adding an app, signing in with it, and adding one where the tenant demands it. */
import { expect, test } from 'vitest'
import { codeAt } from '../support/authenticator.ts'
import type { Opened } from '../support/browser.ts'
import { newClient, PASSWORD } from '../support/client.ts'
import { mailedCode } from '../support/email-code.ts'
import { useService } from '../support/service.ts'
import { createWalker } from '../support/walker.ts'

const service = useService()

async function newPerson(settings: Record<string, unknown> = {}) {
  const client = await newClient(service(), { settings: { registration: 'sign-in-at-once', ...settings } })
  const { email, tokens } = await client.newAccount()
  await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
  return {
    client,
    email,
    tokens,
    signIn: { email, password: PASSWORD },
    ...createWalker(service(), client.tenant),
  }
}

const secretOn = ({ html }: Opened) =>
  (/<code>([A-Z2-7 ]+)<\/code>/.exec(html)?.[1] ?? '').replaceAll(' ', '')
const codesOn = ({ html }: Opened) =>
  [...html.matchAll(/<li>([0-9A-Z-]{20,})<\/li>/g)].map(([, code = '']) => code)

test('pages 3: an app is added with its first code, signs in as second step, and a recovery code does too, once', async () => {
  const { open, walk, submit, signIn, tokens } = await newPerson()
  await walk(await open('/sign-in'), signIn)
  const shown = await submit(await open('/account/authenticator'), {})
  expect(shown).toMatchObject({ status: 200, heading: 'Scan this code' })
  expect(shown.html).toContain('<svg')
  const secret = secretOn(shown)
  const wrong = await submit(shown, { code: '000000' })
  expect(wrong).toMatchObject({ status: 401, heading: 'Scan this code' })
  expect(wrong.text).toContain('The code is wrong or was already used.')
  expect(wrong.html).not.toContain(secret)
  const kept = await submit(wrong, { code: codeAt(secret) })
  expect(kept.heading).toBe('Your recovery codes')
  const codes = codesOn(kept)
  expect(codes).toHaveLength(10)
  await walk(await open('/account'), {}, '/sign-out')

  const step = await submit(await open('/sign-in'), signIn)
  expect(step).toMatchObject({ status: 200, heading: 'Enter your code' })
  expect(step.headers.getSetCookie()).toEqual([])
  expect((await submit(step, { code: '000000' })).text).toContain('The code is wrong or was already used.')
  // A code is taken once: half a minute has passed.
  await service().sql('update totp_factors set last_used_step = 0 where user_id = $1', [tokens.user.id])
  const signedIn = await walk(step, { code: codeAt(secret) })
  expect(signedIn.heading).toBe('Your account')
  await walk(signedIn, {}, '/sign-out')

  const again = await submit(await open('/sign-in'), signIn)
  expect((await walk(again, { code: codes[0] ?? '' })).heading).toBe('Your account')
  await walk(await open('/account'), {}, '/sign-out')
  const used = await submit(await submit(await open('/sign-in'), signIn), { code: codes[0] ?? '' })
  expect(used.status).toBe(401)
})

test('pages 3: where the tenant demands one, a person adds an app on the way in', async () => {
  const { open, walk, submit, signIn, cookies, client } = await newPerson()
  await service().sql(
    `update tenants set settings = settings || '{"second_factor":"required"}' where id = $1`,
    [client.tenant.id],
  )
  const asked = await submit(await open('/sign-in'), signIn)
  expect(asked.heading).toBe('Add an authenticator app')
  expect(cookies.has('__Host-latchkey')).toBe(false)
  const shown = await submit(asked, {})
  const kept = await submit(shown, { code: codeAt(secretOn(shown)) })
  expect(kept.heading).toBe('Your recovery codes')
  expect(codesOn(kept)).toHaveLength(10)
  expect(cookies.get('__Host-latchkey')).toMatch(/^lkr_/)
  expect((await open('/account')).text).toContain('Two-step verification On')
  expect(walk).toBeDefined()
})

test('pages 3: what a page shows once is in no address, and looking for it again leads back', async () => {
  const { open, walk, signIn } = await newPerson()
  for (const path of ['/sign-in/second-step', '/sign-in/enrol', '/sign-in/enrol-code', '/sign-in/passkey'])
    expect((await open(path)).heading).toBe('Sign in')
  await walk(await open('/sign-in'), signIn)
  expect((await open('/account/authenticator-code')).heading).toBe('Two-step verification')
})

test('pages 3: a hostile provider, device and name come out as text', async () => {
  const { open, walk, signIn, client, tokens } = await newPerson()
  const hostile = '"><script>alert(1)</script><a href="javascript:alert(1)">'
  await client.plantedSocial.provider()
  await service().sql('update providers set name = $2 where tenant_id = $1', [client.tenant.id, hostile])
  await service().sql('update tenants set name = $2 where id = $1', [client.tenant.id, hostile])
  await service().sql('update users set name = $2 where id = $1', [tokens.user.id, hostile])
  await service().sql(
    'update sessions set device_label = null, user_agent = $2, city = $2 where user_id = $1',
    [tokens.user.id, hostile],
  )
  const pages = [await open('/sign-in'), await open('/sign-up')]
  await walk(pages[0] as Opened, signIn)
  for (const path of ['/account', '/account/devices', '/account/profile', '/account/identities'])
    pages.push(await open(path))
  for (const { elements, html, heading } of pages) {
    expect(
      elements.filter(({ tag }) => tag === 'script'),
      heading,
    ).toHaveLength(1)
    expect(html).not.toContain('<a href="javascript:')
    for (const { attributes } of elements) expect(attributes.href ?? '').not.toMatch(/^(javascript|data):/)
  }
})

test('pages 3: a code by email takes the place of a missing factor: it is mailed with the first step, and works there', async () => {
  const { open, walk, submit, signIn, client, tokens } = await newPerson()
  await service().sql(
    `update tenants set settings = settings || '{"second_factor":"required","second_factor_email_code":true}' where id = $1`,
    [client.tenant.id],
  )
  const asked = await submit(await open('/sign-in'), signIn)
  expect(asked).toMatchObject({ status: 200, heading: 'Enter your code' })
  expect(asked.text).toContain('We sent you an email with a code.')
  expect(asked.text).not.toContain('authenticator app')
  expect((await submit(asked, { code: '000000' })).text).toContain('The code is wrong or was already used.')
  const code = await mailedCode(service(), tokens.user.id)
  expect((await walk(asked, { code })).heading).toBe('Your account')
})
