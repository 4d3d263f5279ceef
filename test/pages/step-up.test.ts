/** Showing again that it is you, on the pages: by a passkey and at a provider, of those that the account had before the session. */
import { describe, expect, test } from 'vitest'
import type { Opened } from '../support/browser.ts'
import { newClient, PASSWORD } from '../support/client.ts'
import { usePasskey } from '../support/passkey-authenticator.ts'
import { plantIdentity, runningProvider } from '../support/planted-social.ts'
import { useLentService } from '../support/service.ts'
import { newPerson as socialPerson } from '../support/social.ts'
import { createWalker } from '../support/walker.ts'

const service = useLentService()

async function newPerson() {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  const walker = createWalker(service(), client.tenant)
  const { open, walk } = walker
  /** Signs in, and has it be long ago. */
  const signIn = async () => {
    await walk(await open('/sign-in'), { email, password: PASSWORD })
    await age()
  }
  const age = () =>
    service().sql(`update sessions set auth_time = now() - interval '1 hour' where user_id = $1`, [
      tokens.user.id,
    ])
  return { client, email, tokens, signIn, age, ...walker }
}

const tokenOn = ({ form }: Opened) => form?.fields.form_token ?? ''

const formsTo = ({ elements }: Opened, path: string) =>
  elements.filter(({ tag, attributes }) => tag === 'form' && attributes.action?.split('?')[0] === path)

describe('by a passkey', () => {
  test('pages 3: that the account had before: it leads back to where the person was', async () => {
    const { client, tokens, signIn, open, submit, post, cookies } = await newPerson()
    const { passkey } = await client.plantedPasskey(tokens)
    await signIn()
    const page = await open('/account/data')
    expect(page.heading).toBe('Confirm that it is you')
    const [form] = formsTo(page, '/step-up/passkey')
    expect(form?.attributes).toMatchObject({
      action: '/step-up/passkey?return_to=%2Faccount%2Fdata',
      'data-options': '/step-up/passkey-options',
      hidden: '',
    })
    const form_token = tokenOn(page)
    const asked = await post('/step-up/passkey-options', { form_token })
    expect(asked.status).toBe(200)
    expect(cookies.has('__Host-latchkey-ceremony')).toBe(true)
    const signed = (deviation = {}) =>
      JSON.stringify(usePasskey(passkey, JSON.parse(asked.html), client.tenant.origin, deviation))
    const wrong = await submit(
      page,
      { credential: signed({ origin: 'https://evil.example' }) },
      '/step-up/passkey',
    )
    expect(wrong).toMatchObject({ status: 401, alert: 'The passkey could not be verified. Try again.' })
    expect((await open('/account/data')).heading).toBe('Confirm that it is you')
    const again = await post('/step-up/passkey-options', { form_token })
    const credential = JSON.stringify(usePasskey(passkey, JSON.parse(again.html), client.tenant.origin))
    const back = await submit(page, { credential }, '/step-up/passkey')
    expect(back).toMatchObject({ status: 303 })
    expect(back.headers.get('location')).toBe('/account/data')
    expect((await open('/account/data')).heading).toBe('Your data')
  })

  test('pages 3: one that this session has added is not offered, and its options are refused', async () => {
    const { client, tokens, signIn, open, post } = await newPerson()
    await signIn()
    await client.plantedPasskey(tokens)
    await service().sql('update passkeys set created_at = now() where user_id = $1', [tokens.user.id])
    const page = await open('/step-up')
    expect(formsTo(page, '/step-up/passkey')).toEqual([])
    const form_token = tokenOn(page)
    const refused = await post('/step-up/passkey-options', { form_token })
    expect(refused).toMatchObject({ status: 409, heading: 'Confirm that it is you' })
  })
})

describe('at a provider', () => {
  test('pages 3: whose word counts, with an account there of before the session; it returns to where the person was', async () => {
    const { client, tokens, signIn, open, submit, post, follow } = await newPerson()
    const { slug } = await client.plantedSocial.trustedProvider()
    const untrusted = await client.plantedSocial.provider()
    for (const one of [slug, untrusted.slug])
      await plantIdentity(service(), client.tenant, tokens.user.id, one)
    const them = socialPerson()
    await service().sql(
      'update identities set issuer = $2, subject = $3 where user_id = $1 and provider = $4',
      [tokens.user.id, (await runningProvider()).issuer, them.sub, slug],
    )
    await signIn()
    const asked = 'redirect_uri=https%3A%2F%2Felsewhere.test%2Fback&ui_locales=de'
    const page = await open(`/account/close?${asked}`)
    const offered = formsTo(page, '/step-up/provider')
    expect(offered).toHaveLength(1)
    const leaving = await submit(page, {}, '/step-up/provider')
    expect(leaving).toMatchObject({ status: 200, heading: 'Bestätigen Sie, dass Sie es sind' })
    const link = leaving.elements.find(({ attributes }) => attributes.class === 'button')?.attributes.href
    const provider = await runningProvider()
    const returned = provider.consent(link ?? '', { ...them, auth_time: Math.floor(Date.now() / 1000) })
    const back = await follow(await open(`/v1/oauth/${slug}/callback?${new URLSearchParams(returned)}`))
    const location = back.headers.get('location') ?? ''
    expect(location).toBe(`${client.tenant.origin}/account/close?${asked}&stepped_up=true`)
    expect((await open(location.slice(client.tenant.origin.length))).heading).toBe('Konto schließen')
    const form_token = tokenOn(page)
    expect((await post('/step-up/provider', { form_token, provider: untrusted.slug })).status).toBe(404)
  })

  test('pages 3: one that this session has linked is not offered', async () => {
    const { client, tokens, signIn, open } = await newPerson()
    const { slug } = await client.plantedSocial.trustedProvider()
    await signIn()
    await plantIdentity(service(), client.tenant, tokens.user.id, slug)
    expect(formsTo(await open('/step-up'), '/step-up/provider')).toEqual([])
  })

  test('pages 3: that let no one in: the page says so, and leads back all the same', async () => {
    const { signIn, open } = await newPerson()
    await signIn()
    const page = await open('/account/close?error=login_failed')
    expect(page.alert).toBe('The other service did not let you in. Try again, or choose another way.')
    expect(formsTo(page, '/step-up')[0]?.attributes.action).toBe('/step-up?return_to=%2Faccount%2Fclose')
  })
})
