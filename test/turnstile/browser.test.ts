/**
 * The widget of Turnstile in a real browser, under the policy of the page: Cloudflare's script, the frame it opens and the
 * field it fills are played by what stands at its address, which knows whom it lets pass.
 */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium } from '../support/chromium.ts'
import { type Client, createClient, newEmail, PASSWORD } from '../support/client.ts'
import { type Service, startService } from '../support/service.ts'
import { startTurnstile, type Turnstile } from '../support/turnstile.ts'

const executablePath = findChromium('the widget of Turnstile in a real browser')
const CLOUDFLARE = 'https://challenges.cloudflare.com'

/** What api.js does with a widget: it opens a frame, and puts what the frame says into a field of the form. */
const SCRIPT = `for (const widget of document.querySelectorAll('.cf-turnstile')) {
  const field = document.createElement('input')
  field.type = 'hidden'
  field.name = widget.dataset.responseFieldName
  const frame = document.createElement('iframe')
  frame.title = 'Widget containing a Cloudflare security challenge'
  frame.src = '${CLOUDFLARE}/frame?sitekey=' + widget.dataset.sitekey
  frame.style.cssText = 'border: none; width: 100%; height: 65px'
  addEventListener('message', ({ origin, data }) => { if (origin === '${CLOUDFLARE}') field.value = data })
  widget.append(frame, field)
}`

describe.skipIf(!executablePath)('in Chromium', { timeout: 180_000 }, () => {
  let turnstile: Turnstile
  let service: Service
  let browser: Browser
  let client: Client
  let widget: ReturnType<Turnstile['newWidget']>

  beforeAll(async () => {
    turnstile = await startTurnstile()
    service = await startService({
      bindings: { LIMITS_MULTIPLIER: '1000', TURNSTILE_VERIFY_URL: turnstile.url },
    })
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
    const host = `localhost:${service.url.port}` // a secure context without a certificate
    client = createClient(service, await service.newTenant({ host }))
    const { tokens } = await client.signUpAdmin()
    widget = turnstile.newWidget()
    const set = await client.call('/v1/admin/tenant', {
      method: 'PATCH',
      bearer: tokens.access_token,
      json: { turnstile: { site_key: widget.siteKey, secret: widget.secret } },
    })
    expect(set.status).toBe(200)
  }, 180_000)

  afterAll(async () => {
    await browser?.close()
    await service?.stop()
    await turnstile?.stop()
  })

  const at = (path: string) => `${client.tenant.origin}${path}`

  /** @param passes whether Cloudflare takes the visitor for a person; null where its script does not load */
  async function visit(path: string, passes: boolean | null): Promise<{ page: Page; faults: string[] }> {
    const context: BrowserContext = await browser.newContext({ locale: 'en' })
    await context.route(`${CLOUDFLARE}/**`, async (route) => {
      const url = new URL(route.request().url())
      if (passes === null) return route.abort()
      if (url.pathname === '/turnstile/v0/api.js')
        return route.fulfill({ contentType: 'text/javascript', body: SCRIPT })
      const token = passes && url.searchParams.get('sitekey') === widget.siteKey ? widget.pass() : ''
      const body = `<script>parent.postMessage(${JSON.stringify(token)}, '*')</script>`
      return route.fulfill({ contentType: 'text/html', body })
    })
    const page = await context.newPage()
    const faults: string[] = []
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) faults.push(message.text())
    })
    await page.goto(at(path))
    return { page, faults }
  }

  async function fillIn(page: Page, email: string): Promise<void> {
    await page.fill('#email', email)
    await page.fill('#password', PASSWORD)
  }

  test('pages 22: a person signs up: the script, its frame and its field pass the policy of the page', async () => {
    const { page, faults } = await visit('/sign-up', true)
    await page.waitForSelector('input[name=turnstile_token][value]:not([value=""])', { state: 'attached' })
    await fillIn(page, newEmail())
    await page.press('#password', 'Enter')
    await page.waitForURL(at('/account*'))
    expect(faults).toEqual([])
    expect(widget.asked().length).toBeGreaterThan(0)
    await page.context().close()
  })

  test.each([
    ['who did not pass', false],
    ['whose browser blocks the script', null],
  ])('pages 22: one %s is told so, and keeps the address that they typed', async (_, passes) => {
    const { page } = await visit('/sign-up', passes)
    const email = newEmail()
    await fillIn(page, email)
    await page.press('#password', 'Enter')
    const alert = await page.waitForSelector('[role=alert]')
    expect(await alert.textContent()).toContain('We could not check that you are a person.')
    expect(await page.inputValue('#email')).toBe(email)
    await page.context().close()
  })

  test('pages 22: asking for a link has the widget, signing in asks Cloudflare for nothing', async () => {
    const asked = await visit('/link/forgot-password', true)
    await asked.page.waitForSelector('input[name=turnstile_token][value]:not([value=""])', {
      state: 'attached',
    })
    await asked.page.fill('#email', newEmail())
    await asked.page.press('#email', 'Enter')
    await asked.page.waitForSelector('h1:has-text("Check your email")')
    expect(asked.faults).toEqual([])
    const outside: string[] = []
    asked.page.on('request', (request) => {
      if (!request.url().startsWith(client.tenant.origin)) outside.push(request.url())
    })
    await asked.page.goto(at('/sign-in'))
    expect(outside).toEqual([])
    await asked.page.context().close()
  })
})
