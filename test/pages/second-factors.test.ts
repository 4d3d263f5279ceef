/** Second factors on the pages: adding an app, signing in with it, and adding one where the tenant demands it. */
import { expect, test } from 'vitest'
import { codeAt } from '../support/authenticator.ts'
import type { Opened } from '../support/browser.ts'
import { newClient, PASSWORD } from '../support/client.ts'
import { mailedCode } from '../support/email-code.ts'
import { useLentService } from '../support/service.ts'
import { createWalker } from '../support/walker.ts'

const service = useLentService()

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

/** Presses the button of a sign-in link that was mailed to them, in the browser that asked for it. */
async function byLink({ client, tokens, cookies, open, submit }: Awaited<ReturnType<typeof newPerson>>) {
  const { token, cookie } = await client.plant('sign_in', tokens)
  const [name = '', value = ''] = cookie.split('=')
  cookies.set(name, value)
  return submit(await open(`/link/sign-in?token=${token}`), {})
}

test('pages 3: a mailed link asks for the second step as a password does: by the app, or by a recovery code in a browser that is then trusted', async () => {
  const person = await newPerson({ trusted_devices: true })
  const { open, walk, submit, client, tokens, cookies } = person
  const { secret } = await client.withFactor(tokens)
  const asked = await byLink(person)
  expect(asked).toMatchObject({ status: 200, heading: 'Enter your code' })
  expect(asked.form?.action).toBe('/sign-in/second-step')
  expect(cookies.has('__Host-latchkey')).toBe(false)
  const wrong = await submit(asked, { code: '000000' })
  expect(wrong).toMatchObject({ status: 401, heading: 'Enter your code' })
  expect((await walk(wrong, { code: codeAt(secret) })).heading).toBe('Your account')
  const [code = ''] = codesOn(await submit(await open('/account/recovery-codes'), {}))
  await walk(await open('/account'), {}, '/sign-out')
  cookies.delete('__Host-latchkey-trusted') // of the box, which this browser has ticked
  const signedIn = await walk(await byLink(person), { code, trust_device: 'on' })
  expect(signedIn.heading).toBe('Your account')
  expect(cookies.get('__Host-latchkey-trusted')).toMatch(/^[\w-]{43}$/)
  await walk(signedIn, {}, '/sign-out')
  expect((await byLink(person)).heading).toBe('You are signed in')
})

test('pages 3: a mailed link asks for a passkey that is the second step, and where the tenant demands one an app is added', async () => {
  const owner = await newPerson()
  await owner.client.plantedPasskey(owner.tokens, { isSecondFactor: true })
  await service().sql('update users set second_factor_since = now() where id = $1', [owner.tokens.user.id])
  const asked = await byLink(owner)
  expect(asked.heading).toBe('Use your passkey')
  const [form] = asked.elements.filter(({ attributes }) => attributes['data-passkey'] === 'get')
  expect(form?.attributes.action).toBe('/sign-in/second-step-passkey')

  const newcomer = await newPerson()
  await service().sql(
    `update tenants set settings = settings || '{"second_factor":"required"}' where id = $1`,
    [newcomer.client.tenant.id],
  )
  const demanded = await byLink(newcomer)
  expect(demanded.heading).toBe('Add an authenticator app')
  const shown = await newcomer.submit(demanded, {})
  const kept = await newcomer.submit(shown, { code: codeAt(secretOn(shown)) })
  expect(kept.heading).toBe('Your recovery codes')
  expect(newcomer.cookies.get('__Host-latchkey')).toMatch(/^lkr_/)
})

const trusting = async () => {
  const person = await newPerson({ trusted_devices: true })
  const { secret } = await person.client.withFactor(person.tokens)
  const step = async () => person.submit(await person.open('/sign-in'), person.signIn)
  return { ...person, secret, step }
}
const boxOn = ({ elements }: Opened) =>
  elements.find(({ attributes }) => attributes.name === 'trust_device')?.attributes

test('pages 3: a browser is trusted where its owner ticks the box: no second step is asked for there, until it is forgotten', async () => {
  const { open, walk, submit, signIn, step, secret, cookies, tokens } = await trusting()
  const asked = await step()
  expect(asked.text).toContain('Trust this browser and do not ask again for 30 days')
  expect(boxOn(asked)).not.toHaveProperty('checked')
  const wrong = await submit(asked, { code: '000000', trust_device: 'on' })
  expect(wrong.status).toBe(401)
  expect(boxOn(wrong)).toHaveProperty('checked')
  const signedIn = await walk(wrong, { code: codeAt(secret), trust_device: 'on' })
  expect(signedIn.heading).toBe('Your account')
  expect(cookies.get('__Host-latchkey-trusted')).toMatch(/^[\w-]{43}$/)
  await walk(signedIn, {}, '/sign-out')
  expect((await walk(await open('/sign-in'), signIn)).heading).toBe('Your account')
  const listed = await open('/account/trusted-devices')
  expect(listed.text).toContain('This browser')
  const forgotten = await walk(listed, {}, '/account/trusted-device-remove')
  expect(forgotten.text).toContain('This browser is no longer trusted.')
  expect(await service().sql('select id from trusted_devices where user_id = $1', [tokens.user.id])).toEqual(
    [],
  )
  await walk(forgotten, {}, '/sign-out')
  expect((await step()).heading).toBe('Enter your code')
})

test("pages 3: all trusted browsers are forgotten at once; someone else's is not there to be forgotten", async () => {
  const { open, walk, step, secret, client, tokens } = await trusting()
  const other = await client.newAccount()
  const theirs = await client.plantedTrust(other.tokens)
  await client.plantedTrust(tokens)
  await walk(await step(), { code: codeAt(secret), trust_device: 'on' })
  const listed = await open('/account/trusted-devices')
  const stolen = await walk(listed, { device_id: theirs.id }, '/account/trusted-device-remove')
  expect(stolen.status).toBe(404)
  const gone = await walk(listed, {}, '/account/trusted-devices')
  expect(gone.text).toContain('No browser is trusted any more.')
  const rows = await service().sql('select user_id from trusted_devices where user_id = any ($1)', [
    [tokens.user.id, other.tokens.user.id],
  ])
  expect(rows).toEqual([{ user_id: other.tokens.user.id }])
})

test('pages 3: no box where the tenant trusts no browser, and a form that has one all the same is refused', async () => {
  const { open, submit, signIn, client, tokens } = await newPerson()
  const { secret } = await client.withFactor(tokens)
  const asked = await submit(await open('/sign-in'), signIn)
  expect(boxOn(asked)).toBeUndefined()
  const refused = await submit(asked, { code: codeAt(secret), trust_device: 'on' })
  expect(refused).toMatchObject({
    status: 403,
    alert: 'This browser cannot be trusted here. Continue without that.',
  })
  expect((await submit(refused, { code: codeAt(secret) })).status).toBe(303)
})

test('pages 3: back from a provider, an account that has to add a factor adds one; another is asked for its own', async () => {
  const { open, submit } = await newPerson({ trusted_devices: true })
  const page = await open('/sign-in')
  const mfa_token = `lkm_${'A'.repeat(43)}`
  const back = (status: string) =>
    submit(page, { mfa_token, methods: 'totp', status }, '/sign-in/second-step')
  expect((await back('mfa_enrolment_required')).heading).toBe('Add an authenticator app')
  const asked = await back('mfa_required')
  expect(asked.heading).toBe('Enter your code')
  expect(boxOn(asked)).toBeDefined()
})

test('pages 3: a passkey is chosen as second step, asked for first, and is left again', async () => {
  const { open, walk, submit, signIn, client, tokens, cookies } = await newPerson()
  const { id } = await client.plantedPasskey(tokens)
  await walk(await open('/sign-in'), signIn)
  const kept = await submit(await open('/account/passkeys'), {}, '/account/passkey-factor')
  expect(kept.heading).toBe('Your recovery codes')
  const [code = ''] = codesOn(kept)
  expect((await open('/account/passkeys')).text).toContain('Second step')
  expect((await open('/account/authenticator')).text).toContain('New recovery codes (10 left)')
  await walk(await open('/account'), {}, '/sign-out')
  const asked = await submit(await open('/sign-in'), signIn)
  expect(asked.heading).toBe('Use your passkey')
  expect(cookies.has('__Host-latchkey')).toBe(false)
  // Without a script a recovery code does it.
  const signedIn = await walk(asked, { code }, '/sign-in/second-step')
  expect(signedIn.heading).toBe('Your account')
  const left = await walk(await open('/account/passkeys'), {}, '/account/passkey-factor-remove')
  expect(left.text).toContain('The passkey is no longer asked for as a second step.')
  const [row] = await service().sql('select is_second_factor from passkeys where id = $1', [id])
  expect(row).toEqual({ is_second_factor: false })
})
