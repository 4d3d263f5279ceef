/**
 * The pages in a real browser: with and without a script, on a phone and on a desktop, in the light and in the dark, in English
 * and in German. `SCREENSHOTS=<folder>` keeps a picture of each.
 */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeAt } from '../support/authenticator.ts'
import { findChromium, LOOKS, newLook } from '../support/chromium.ts'
import { type Client, createClient, newEmail, PASSWORD } from '../support/client.ts'
import { useService } from '../support/service.ts'

const executablePath = findChromium('the hosted pages in a real browser')
const service = useService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

let browser: Browser
let client: Client

describe.skipIf(!executablePath)('in Chromium', { timeout: 180_000 }, () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
    const host = `localhost:${service().url.port}` // a secure context without a certificate
    client = createClient(service(), await service().newTenant({ host }))
    await client.plantedSocial.provider()
  }, 120_000)

  afterAll(async () => browser?.close())

  const at = (path: string) => `${client.tenant.origin}${path}`

  async function signIn(context: BrowserContext, email: string): Promise<Page> {
    const page = await context.newPage()
    await page.goto(at('/sign-in'))
    await page.fill('#email', email)
    await page.fill('#password', PASSWORD)
    await page.press('#password', 'Enter')
    await page.waitForURL(at('/account*'))
    return page
  }

  describe.each(LOOKS)(
    'pages 5: at $width px, $colorScheme, in $locale',
    ({ width, colorScheme, locale }) => {
      test('every page fits, and axe-core finds nothing', async () => {
        const context = await browser.newContext({
          viewport: { width, height: 900 },
          colorScheme,
          locale,
        })
        const { look, found } = newLook('pages', { width, colorScheme, locale })
        const { email, tokens } = await client.signUp()
        await client.withFactor(tokens)
        const stranger = await context.newPage()
        for (const path of ['/', '/sign-in', '/sign-up', '/sign-in/code', '/link/forgot-password']) {
          await stranger.goto(at(path))
          if (path !== '/' || locale === 'en')
            await look(stranger, path === '/' ? 'home' : path.slice(1).replaceAll('/', '-'))
        }
        await stranger.goto(at('/sign-in'))
        await stranger.fill('#email', email)
        await stranger.fill('#password', 'not the password')
        await stranger.press('#password', 'Enter')
        await stranger.waitForSelector('[role=alert]')
        await look(stranger, 'sign-in-refused')
        await stranger.fill('#password', PASSWORD)
        await stranger.press('#password', 'Enter')
        await stranger.waitForSelector('#code')
        await look(stranger, 'second-step')

        const { email: plain, tokens: own } = await client.signUp()
        await service().sql('update users set email_verified_at = now() where id = $1', [own.user.id])
        await client.plantedSocial.identity(own)
        await client.plantedPasskey(own)
        const page = await signIn(context, plain)
        await look(page, 'account')
        for (const path of OWN_PATHS) {
          await page.goto(at(path))
          await look(page, path.slice(1).replaceAll('/', '-'))
        }
        await page.goto(at('/account/authenticator'))
        await page.click('main button')
        await page.waitForSelector('.qr svg')
        await look(page, 'scan')
        await page.click('summary')
        const secret = (await page.textContent('code'))?.replaceAll(' ', '') ?? ''
        await page.fill('#code', codeAt(secret))
        await page.press('#code', 'Enter')
        await page.waitForSelector('.codes')
        await look(page, 'recovery-codes')
        await context.close()
        expect(found).toEqual([])
      })
    },
  )

  test('pages 3: a passkey is added, and signs in by one button, also as the browser offers it by itself', async () => {
    const context = await browser.newContext({ locale: 'en' })
    const { email } = await client.signUp()
    const page = await signIn(context, email)
    const devTools = await context.newCDPSession(page)
    await devTools.send('WebAuthn.enable')
    await devTools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    await page.goto(at('/account/passkeys'))
    await page.click('[data-passkey] button')
    await page.waitForURL(at('/account/passkeys?done=passkey'))
    expect(await page.textContent('[role=status]')).toBe('Passkey added.')
    expect(await page.locator('main ul > li').count()).toBe(1)
    await page.click('header button')
    await page.waitForSelector('text=You are signed out')
    // Conditional UI: the virtual authenticator answers as soon as the page asks.
    await page.goto(at('/sign-in'))
    await page.waitForURL(at('/account*'))
    expect(await page.textContent('main')).toContain(email)
    await context.close()
  })

  describe.each([true, false])('with a script: %s', (javaScriptEnabled) => {
    test('pages 5: a person signs up, changes their name, signs another device out, and signs out, by keyboard alone', async () => {
      const context = await browser.newContext({ javaScriptEnabled, locale: 'en' })
      const page = await context.newPage()
      const email = newEmail()
      await page.goto(at('/sign-up'))
      await page.focus('#email')
      for (const typed of [email, 'Ada', PASSWORD]) {
        await page.keyboard.type(typed)
        await page.keyboard.press('Tab')
      }
      await page.focus('#password')
      await page.keyboard.press('Enter')
      await page.waitForURL(at('/account*'))
      expect(await page.textContent('main')).toContain(email)

      await client.signIn(email) // another device
      await page.goto(at('/account/devices'))
      expect(await page.locator('main ul > li').count()).toBe(2)
      const other = page.locator('li', { hasNotText: 'This device' }).locator('button')
      await other.focus()
      await page.keyboard.press('Enter')
      await page.waitForURL(at('/account/devices?done=device'))
      expect(await page.locator('main ul > li').count()).toBe(1)
      expect(await page.textContent('[role=status]')).toBe('The device is signed out.')

      await page.goto(at('/account/profile'))
      await page.fill('#name', '<b>Ada</b>')
      await page.press('#name', 'Enter')
      await page.waitForURL(at('/account?done=profile'))
      expect(await page.textContent('main')).toContain('<b>Ada</b>')
      expect(await page.locator('main b').count()).toBe(0)

      await page.click('header button')
      await page.waitForSelector('text=You are signed out')
      await page.goBack()
      await page.waitForSelector('h1:has-text("Sign in")')
      expect(await page.textContent('main')).not.toContain(email)
      await context.close()
    })
  })
})

const OWN_PATHS = [
  '/account/profile',
  '/account/password',
  '/account/email',
  '/account/devices',
  '/account/authenticator',
  '/account/authenticator-remove',
  '/account/passkeys',
  '/account/identities',
  '/account/data',
  '/account/close',
  '/step-up',
]
