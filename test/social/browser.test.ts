/**
 * The whole way in a real browser: headless Chromium, a page of an application, our service, and `oidc-provider` on another site.
 * Needs a Chromium (`CHROMIUM`, /usr/bin/chromium or /usr/bin/google-chrome); a run without one says so.
 */
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Client, createClient } from '../support/client.ts'
import { type RealProvider, startRealProvider } from '../support/real-provider.ts'
import { useLentService } from '../support/service.ts'
import { addProvider, start } from '../support/social.ts'

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome']
const executablePath = PLACES.find((place) => place !== undefined && existsSync(place))
if (!executablePath)
  console.warn(
    'SKIPPED: sign-in at a provider in a real browser. There is no Chromium here: apt-get install chromium, or name one in CHROMIUM.',
  )

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

/** What the page of an application does. */
const PAGE = `<!doctype html><title>Application</title><script>
  const call = async (method, path, body, bearer) => {
    const response = await fetch(path, {
      method,
      headers: { 'content-type': 'application/json', ...(bearer && { authorization: 'Bearer ' + bearer }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text && JSON.parse(text) }
  }
</script>`

type Outcome = { status: number; body: Record<string, unknown> }
type SignedIn = { access_token: string; user: { id: string; email: string; name: string } }

describe.skipIf(!executablePath)('in Chromium', { timeout: 120_000 }, () => {
  let browser: Browser
  let client: Client
  let provider: RealProvider
  let app: string
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
    // A secure context without a certificate.
    const host = `127.0.0.1:${service().url.port}`
    app = `http://${host}/application`
    const tenant = await service().newTenant({ host, settings: { redirect_uris: [app] } })
    client = createClient(service(), tenant)
    provider = await startRealProvider([`${tenant.origin}/v1/oauth/idp/callback`], 'localhost')
    const { tokens } = await client.signUpAdmin()
    const added = await addProvider(client, tokens.access_token, { issuer: provider.issuer })
    expect(added.status, JSON.stringify(added.body)).toBe(201)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await provider?.stop()
  })

  beforeEach(async () => {
    await context?.close()
    page = await openBrowser()
  })

  /** A browser that no one has used, at the page of the application. */
  async function openBrowser(): Promise<Page> {
    context = await browser.newContext()
    const opened = await context.newPage()
    await opened.route(`${app}*`, (route) => route.fulfill({ contentType: 'text/html', body: PAGE }))
    await opened.goto(app)
    return opened
  }

  const call = (method: string, path: string, body: object | null = null, bearer: string | null = null) =>
    page.evaluate(
      `call(${[method, path, body, bearer].map((part) => JSON.stringify(part)).join(', ')})`,
    ) as Promise<Outcome>

  const isHome = (url: URL) => url.href.startsWith(app)

  /** Signs in at the pages of the provider, as far as it asks, and agrees. */
  async function agree(login: string): Promise<void> {
    if (isHome(new URL(page.url()))) return
    await page.fill('input[name=login]', login)
    await page.fill('input[name=password]', 'any')
    await page.click('button[type=submit]')
    await page.click('button:has-text("Continue")')
    await page.waitForURL(isHome)
  }

  const goToProvider = () =>
    page.goto(`${client.tenant.origin}/v1/oauth/idp/start?redirect_uri=${encodeURIComponent(app)}`)

  /** The page of the application, where a browser that comes back is: what it was redirected to is not routed to us. */
  async function arrive(): Promise<string> {
    const url = page.url()
    await page.goto(app)
    return url
  }

  async function session(): Promise<SignedIn> {
    const { status, body } = await call('POST', '/v1/refresh', {})
    expect(status, JSON.stringify(body)).toBe(200)
    return body as SignedIn
  }

  async function identities(bearer: string) {
    const { body } = await call('GET', '/v1/identities', null, bearer)
    return (body as { data: { id: string; email: string }[] }).data
  }

  test('sign up, sign in again, link, sign in with that, unlink', async () => {
    await goToProvider()
    await agree('ada')
    expect(await arrive()).toBe(app)
    const ada = await session()
    expect(ada.user).toMatchObject({ email: 'ada@example.com', name: 'Person ada' })
    expect((await context.cookies()).map(({ name }) => name)).toContain('__Host-latchkey')

    // The provider knows this browser, and sends it straight back.
    await goToProvider()
    expect(await arrive()).toBe(app)
    expect((await session()).user.id).toBe(ada.user.id)

    // Another account at the provider, in a browser where the provider knows no one.
    await context.clearCookies({ domain: 'localhost' })
    const { access_token: bearer } = await session()
    const { body } = await call('POST', '/v1/oauth/idp/link', { redirect_uri: app }, bearer)
    await page.goto(String(body.authorization_url))
    await agree('grace')
    expect(await arrive()).toBe(`${app}?linked=true`)
    expect(await identities(bearer)).toMatchObject([{ provider: 'idp' }, { provider: 'idp' }])

    page = await openBrowser()
    await goToProvider()
    await agree('grace')
    expect(await arrive()).toBe(app)
    const byGrace = await session()
    expect(byGrace.user).toMatchObject({ id: ada.user.id, email: 'ada@example.com' })

    const [first] = await identities(byGrace.access_token)
    const removed = await call('DELETE', `/v1/identities/${first?.id}`, null, byGrace.access_token)
    expect(removed.status).toBe(204)
    expect(await identities(byGrace.access_token)).toHaveLength(1)
  })

  test('who declines comes back to the application, with an error that it can show, and is signed in nowhere', async () => {
    await goToProvider()
    await page.click('a:has-text("Cancel")')
    await page.waitForURL(isHome)
    expect(await arrive()).toBe(`${app}?error=access_denied`)
    expect((await context.cookies()).map(({ name }) => name)).not.toContain('__Host-latchkey')
    expect((await call('POST', '/v1/refresh', {})).status).toBe(401)
  })

  test('an answer that an attacker got, and that a victim opens, signs the victim in as no one', async () => {
    const started = await start(client, { redirect_uri: app })
    const returned = await provider.newPersonAt('mallory')(started.url)
    expect(returned.code).toBeDefined()
    const answer = await page.goto(
      `${client.tenant.origin}/v1/oauth/idp/callback?${new URLSearchParams(returned)}`,
    )
    expect(answer?.status()).toBe(400)
    expect(await page.getByRole('alert').textContent()).toContain('was begun in another browser')
    expect(await page.getByRole('link', { name: 'Sign in' }).getAttribute('href')).toBe('/sign-in')
    expect((await context.cookies()).map(({ name }) => name)).not.toContain('__Host-latchkey')
  })
})
