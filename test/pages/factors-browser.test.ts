/**
 * Second steps in a real browser: a passkey after the password, a browser that is trusted, a mailed code, and showing again that it is you, by
 * a passkey and at a provider (the real `oidc-provider`, on another site). `SCREENSHOTS=<folder>` keeps a picture of each page.
 */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium, LOOKS, type Look, newLook } from '../support/chromium.ts'
import { type Client, createClient, PASSWORD } from '../support/client.ts'
import { mailedToken } from '../support/mailed.ts'
import { type RealProvider, startRealProvider } from '../support/real-provider.ts'
import { useService } from '../support/service.ts'
import { addProvider } from '../support/social.ts'

const executablePath = findChromium('second steps on the hosted pages in a real browser')
const service = useService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

let browser: Browser
let client: Client
let provider: RealProvider

describe.skipIf(!executablePath)('in Chromium', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
    const host = `localhost:${service().url.port}` // a secure context without a certificate
    client = createClient(service(), await service().newTenant({ host, settings: { trusted_devices: true } }))
    provider = await startRealProvider([`${client.tenant.origin}/v1/oauth/idp/callback`])
    const { tokens } = await client.signUpAdmin()
    const added = await addProvider(client, tokens.access_token, {
      issuer: provider.issuer,
      trusts_assurance: true,
    })
    expect(added.status, JSON.stringify(added.body)).toBe(201)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await provider?.stop()
  })

  const at = (path: string) => `${client.tenant.origin}${path}`

  /** A browser that no one has used. @returns what looks at a page, and what was found */
  async function openBrowser(chosen: Look) {
    const { width, colorScheme, locale } = chosen
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, locale })
    const page = await context.newPage()
    const { look, found } = newLook('factors', chosen)
    return { context, page, look: look.bind(null, page), found }
  }

  /** An authenticator of the device. @returns what has its owner be there, or not */
  async function plugIn(context: BrowserContext, page: Page) {
    const devTools = await context.newCDPSession(page)
    await devTools.send('WebAuthn.enable')
    const { authenticatorId } = await devTools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    /** Conditional UI of the sign-in page would use the passkey at once. */
    return (enabled: boolean) =>
      devTools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
  }

  async function enterPassword(page: Page, email: string) {
    await page.goto(at('/sign-in'))
    await page.fill('#email', email)
    await page.fill('#password', PASSWORD)
    await page.press('#password', 'Enter')
  }

  const signOut = async (page: Page) => {
    await page.click('header button')
    await page.waitForURL(at('/sign-out*'))
  }

  const age = (userId: string) =>
    service().sql(`update sessions set auth_time = now() - interval '1 hour' where user_id = $1`, [userId])

  async function newProved() {
    const account = await client.signUp()
    await service().sql('update users set email_verified_at = now() where id = $1', [account.tokens.user.id])
    return { ...account, userId: account.tokens.user.id }
  }

  test.each(LOOKS)(
    'pages 5: a passkey is chosen as second step, is asked for, trusts the browser, and shows again who is there: at $width px, $colorScheme, in $locale',
    async (options) => {
      const { context, page, look, found } = await openBrowser(options)
      const { email, userId } = await newProved()
      await enterPassword(page, email)
      await page.waitForURL(at('/account*'))
      const touch = await plugIn(context, page)
      await page.goto(at('/account/passkeys'))
      await page.click('[data-passkey] button')
      await page.waitForURL(at('/account/passkeys?done=passkey'))
      await page.click('summary')
      await look('passkey-to-choose')
      await page.click('details button')
      await page.waitForSelector('.codes')
      await look('recovery-codes')
      await page.click('main a.button')
      await page.waitForSelector('main .tag')
      await look('passkey-chosen')
      await signOut(page)

      await touch(false)
      await enterPassword(page, email)
      await page.waitForSelector('[data-passkey]:not([hidden]) button')
      await look('second-step-passkey')
      await touch(true)
      await page.check('#trust_device')
      await page.click('[data-passkey] button')
      await page.waitForURL(at('/account*'))
      const [session] = await service().sql(
        'select aal, amr from sessions where user_id = $1 order by created_at desc limit 1',
        [userId],
      )
      expect(session).toMatchObject({ aal: 2, amr: ['pwd', 'pop', 'user', 'mfa'] })
      await page.goto(at('/account/trusted-devices'))
      expect(await page.locator('main ul > li').count()).toBe(1)
      await look('trusted-devices')
      await signOut(page)

      await touch(false)
      await enterPassword(page, email)
      await page.waitForURL(at('/account*'))
      await age(userId)
      await page.goto(at('/account/close'))
      await page.waitForURL(at('/step-up?return_to=%2Faccount%2Fclose'))
      await look('step-up-passkey')
      await touch(true)
      await page.click('[data-passkey] button')
      await page.waitForURL(at('/account/close'))
      await page.goto(at('/account/trusted-devices'))
      await page.click('main li button')
      await page.waitForURL(at('/account/trusted-devices?done=trust_gone'))
      await look('trusted-devices-none')
      await context.close()
      expect(found).toEqual([])
    },
  )

  test.each(LOOKS)(
    'pages 5: a person signs in at a provider, links another account, and shows there again that it is them: at $width px, $colorScheme, in $locale',
    async (options) => {
      const { context, page, look, found } = await openBrowser(options)
      const names = ['ada', 'grace'].map((name) => `${name}-${crypto.randomUUID().slice(0, 8)}`)
      const [ada = '', grace = ''] = names
      const agree = async (login: string, home: string) => {
        await page.waitForSelector('input[name=login]')
        await page.fill('input[name=login]', login)
        await page.fill('input[name=password]', 'any')
        await page.click('button[type=submit]')
        const isHome = (url: URL) => url.href.startsWith(at(home))
        // It asks whether we may have what we ask for, unless it knows that.
        const more = page.locator('button:has-text("Continue")')
        await Promise.race([page.waitForURL(isHome), more.waitFor().catch(() => {})])
        if (!isHome(new URL(page.url()))) await more.click()
        await page.waitForURL(isHome)
      }
      await page.goto(at('/sign-in'))
      await look('sign-in')
      await page.click('a[href^="/v1/oauth/idp/start"]')
      await agree(ada, '/account')
      expect(await page.textContent('main')).toContain(`${ada}@example.com`)

      await context.clearCookies({ domain: '127.0.0.1' })
      await page.goto(at('/account/identities'))
      await page.click('form[action^="/account/identity-link"] button')
      await look('link-leaving', 'main a.button')
      await page.click('main a.button')
      await agree(grace, '/account/identities')
      expect(new URL(page.url()).search).toBe('?linked=true')
      expect(await page.locator('main ul > li').count()).toBe(2)
      await look('identities')

      const [{ id: userId = '' } = {}] = await service().sql<{ id: string }>(
        'select id from users where email = $1',
        [`${ada}@example.com`],
      )
      await age(userId)
      await page.goto(at('/account/close'))
      await page.waitForURL(at('/step-up*'))
      expect(await page.locator('#password').count(), 'they have no password').toBe(0)
      await look('step-up-provider')
      await page.click('form[action^="/step-up/provider"] button')
      await look('step-up-leaving', 'main a.button')
      await page.click('main a.button')
      // Not who was there: the account that the session itself has linked proves nothing.
      await agree(grace, '/step-up')
      await look('step-up-refused', '[role=alert]')
      await page.click('form[action^="/step-up/provider"] button')
      await page.click('main a.button')
      await agree(ada, '/account/close')
      await page.waitForURL(at('/account/close?stepped_up=true'))
      await context.close()
      expect(found).toEqual([])
    },
  )

  test.each([true, false])(
    'pages 5: a mailed code signs in, with a script: %s',
    async (javaScriptEnabled) => {
      const context = await browser.newContext({ locale: 'en', javaScriptEnabled })
      const page = await context.newPage()
      const { email, userId } = await newProved()
      await page.goto(at('/sign-in'))
      await page.click('a[href^="/sign-in/code"]')
      await page.fill('#email', email)
      await page.press('#email', 'Enter')
      await page.waitForSelector('#code')
      await page.fill('#code', '000000')
      await page.press('#code', 'Enter')
      await page.waitForSelector('#code-error')
      const { code } = await mailedToken(service(), 'sign_in', userId)
      await page.fill('#code', code)
      await page.press('#code', 'Enter')
      await page.waitForURL(at('/account*'))
      expect(await page.textContent('main')).toContain(email)
      await context.close()
    },
  )

  test('pages 5: by keyboard alone and without a script, a recovery code stands in for the passkey', async () => {
    const { email, tokens } = await newProved()
    const { id } = await client.plantedPasskey(tokens)
    const { body } = await client.call<{ recovery_codes: string[] }>(`/v1/passkeys/${id}/second-factor`, {
      method: 'POST',
      bearer: tokens.access_token,
    })
    const plain = await browser.newContext({ javaScriptEnabled: false, locale: 'en' })
    const form = await plain.newPage()
    await enterPassword(form, email)
    await form.focus('summary')
    await form.keyboard.press('Enter')
    await form.keyboard.press('Tab')
    await form.keyboard.type(body.recovery_codes[0] ?? '')
    await form.keyboard.press('Enter')
    await form.waitForURL(at('/account*'))
    await plain.close()
  })
})
