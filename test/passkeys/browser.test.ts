/**
 * Passkeys in a real browser: headless Chromium with its virtual authenticator, against the real service. Needs a Chromium
 * (`CHROMIUM`, /usr/bin/chromium or /usr/bin/google-chrome); a run without one says so.
 */
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Client, createClient, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { finishSignIn, signInOptions } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome']
const executablePath = PLACES.find((place) => place !== undefined && existsSync(place))
if (!executablePath)
  console.warn(
    'SKIPPED: passkeys in a real browser. There is no Chromium here: apt-get install chromium, or name one in CHROMIUM.',
  )

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

/** What the page of an application does, by the browser's own functions. */
const SCRIPT = `
  const post = async (path, body, bearer) => {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(bearer && { authorization: 'Bearer ' + bearer }) },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: await response.json() }
  }
  const outcome = async (ceremony) => {
    try {
      return await ceremony()
    } catch (error) {
      return { refusedByBrowser: error.name }
    }
  }
  const makePasskey = async (options, rest = {}) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
    return (await navigator.credentials.create({ publicKey, ...rest })).toJSON()
  }
  const usePasskey = async (options, rest = {}) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
    return (await navigator.credentials.get({ publicKey, ...rest })).toJSON()
  }
  const register = (bearer, change = {}) => outcome(async () => {
    const { body: options } = await post('/v1/passkeys/register/options', {}, bearer)
    const credential = await makePasskey({ ...options, ...change })
    return post('/v1/passkeys/register/verify', { credential }, bearer)
  })
  const signIn = (change = {}, rest = {}) => outcome(async () => {
    const { body: options } = await post('/v1/passkeys/login/options', {})
    const credential = await usePasskey({ ...options, ...change }, rest)
    return post('/v1/passkeys/login/verify', { credential, transport: 'cookie' })
  })
`
const PAGE = `<!doctype html><title>Application</title>
  <input autocomplete="username webauthn" autofocus><script>${SCRIPT}</script>`

type Outcome = { status: number; body: Record<string, unknown> } & { refusedByBrowser?: string }

let browser: Browser
let client: Client

describe.skipIf(!executablePath)('in Chromium', { timeout: 120_000 }, () => {
  let context: BrowserContext
  let page: Page
  let devTools: CDPSession

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
    // A secure context without a certificate.
    const host = `localhost:${service().url.port}`
    client = createClient(service(), await service().newTenant({ host }))
  }, 120_000)

  afterAll(async () => browser?.close())

  beforeEach(async () => {
    await context?.close()
    context = await browser.newContext()
    page = await openPage(client.tenant.origin)
    devTools = await context.newCDPSession(page)
    await devTools.send('WebAuthn.enable')
  })

  async function openPage(origin: string): Promise<Page> {
    const opened = await context.newPage()
    await opened.route(`${origin}/application`, (route) =>
      route.fulfill({ contentType: 'text/html', body: PAGE }),
    )
    await opened.goto(`${origin}/application`)
    return opened
  }

  async function plugIn(options: object = {}): Promise<string> {
    const { authenticatorId } = await devTools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
        ...options,
      },
    })
    return authenticatorId
  }

  const register = ({ access_token }: Tokens, change: object = {}, on = page) =>
    on.evaluate(`register(${JSON.stringify(access_token)}, ${JSON.stringify(change)})`) as Promise<Outcome>
  const signIn = (change: object = {}, rest: object = {}, on = page) =>
    on.evaluate(`signIn(${JSON.stringify(change)}, ${JSON.stringify(rest)})`) as Promise<Outcome>

  async function newOwner(options: object = {}) {
    const { email, tokens } = await client.newAccount()
    const authenticatorId = await plugIn(options)
    const registered = await register(tokens)
    expect(registered, JSON.stringify(registered)).toMatchObject({ status: 201 })
    return { email, tokens, authenticatorId, registered }
  }

  test('a passkey is added and signs in; the session is in a cookie and goes on', async () => {
    const { tokens } = await newOwner()
    const signedIn = await signIn()
    expect(signedIn).toMatchObject({ status: 200, body: { user: { id: tokens.user.id } } })
    const cookies = await context.cookies()
    expect(cookies.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['__Host-latchkey', '__Host-latchkey-ceremony']),
    )
    const refreshed = (await page.evaluate(`post('/v1/refresh', {})`)) as Outcome
    expect(refreshed).toMatchObject({ status: 200, body: { user: { id: tokens.user.id } } })
  })

  test('the browser offers it before anything is typed (conditional UI)', async () => {
    const { tokens } = await newOwner()
    expect(await page.evaluate('PublicKeyCredential.isConditionalMediationAvailable()')).toBe(true)
    const signedIn = await signIn({}, { mediation: 'conditional' })
    expect(signedIn).toMatchObject({ status: 200, body: { user: { id: tokens.user.id } } })
  })

  test('the browser does not make a second one for the same account on the same device', async () => {
    const { tokens } = await newOwner()
    expect(await register(tokens)).toEqual({ refusedByBrowser: 'InvalidStateError' })
  })

  test('a page of another origin, with a challenge of ours: refused', async () => {
    const { tokens } = await newOwner()
    expect((await signIn()).status).toBe(200)
    const { options, cookie } = await signInOptions(client)
    const origin = client.tenant.origin.replace('//localhost', '//phisher.localhost')
    const phishing = await openPage(origin)
    const there = await context.newCDPSession(phishing)
    await there.send('WebAuthn.enable')
    const outcome = (await phishing.evaluate(
      `outcome(() => usePasskey(${JSON.stringify(options)}))`,
    )) as Outcome
    if (!outcome.refusedByBrowser) {
      const answer = await finishSignIn(client, { credential: outcome, cookie })
      expectProblem(answer, 'invalid_passkey')
    }
    expect(outcome).toMatchObject({
      refusedByBrowser: expect.stringMatching(/SecurityError|NotAllowedError/),
    })
    expect(tokens.user.id).toBeDefined()
  })

  test('another domain than that of the page: the browser refuses, to add and to use', async () => {
    const { tokens } = await newOwner()
    const rp = { id: 'example.com', name: 'Elsewhere' }
    expect(await register(tokens, { rp })).toEqual({ refusedByBrowser: 'SecurityError' })
    expect(await signIn({ rpId: 'example.com' })).toEqual({ refusedByBrowser: 'SecurityError' })
  })

  test('an authenticator that cannot know its owner: the browser refuses; and where a page asks for less, we do', async () => {
    const { tokens } = await client.newAccount()
    await plugIn({ hasUserVerification: false, isUserVerified: false })
    const authenticatorSelection = { residentKey: 'required', userVerification: 'discouraged' }
    expect((await register(tokens)).refusedByBrowser).toBeDefined()
    expect(await register(tokens, { authenticatorSelection })).toMatchObject({
      status: 401,
      body: { code: 'invalid_passkey' },
    })
  })

  test('an owner whom the authenticator does not recognise: no sign-in, also where a page asks for less', async () => {
    const { authenticatorId } = await newOwner()
    await devTools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
    expect((await signIn()).refusedByBrowser).toBe('NotAllowedError')
    expect(await signIn({ userVerification: 'discouraged' })).toMatchObject({
      status: 401,
      body: { code: 'invalid_passkey' },
    })
    await devTools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true })
    expect((await signIn()).status).toBe(200)
  })

  test('a copy of a passkey of one device, whose counter is behind: refused', async () => {
    const { authenticatorId } = await newOwner({
      defaultBackupEligibility: false,
      defaultBackupState: false,
    })
    const { credentials } = await devTools.send('WebAuthn.getCredentials', { authenticatorId })
    const [copy] = credentials
    if (!copy) throw new Error('the authenticator has none')
    for (let time = 0; time < 3; time++) expect((await signIn()).status).toBe(200)
    const { credentialId } = copy
    await devTools.send('WebAuthn.removeCredential', { authenticatorId, credentialId })
    await devTools.send('WebAuthn.addCredential', { authenticatorId, credential: copy })
    expect(await signIn()).toMatchObject({ status: 401, body: { code: 'invalid_passkey' } })
  })

  test('a passkey that was taken away signs in no more, and the browser forgets it once it is told', async () => {
    const { tokens, registered, authenticatorId } = await newOwner()
    const answer = await client.call<{ rp_id: string; credential_id: string }>(
      `/v1/passkeys/${registered.body.id}`,
      { method: 'DELETE', bearer: tokens.access_token },
    )
    expect(answer.status).toBe(200)
    expect(await signIn()).toMatchObject({ status: 401, body: { code: 'invalid_passkey' } })
    const { rp_id: rpId, credential_id: credentialId } = answer.body
    await page.evaluate(
      `PublicKeyCredential.signalUnknownCredential(${JSON.stringify({ rpId, credentialId })})`,
    )
    const { credentials } = await devTools.send('WebAuthn.getCredentials', { authenticatorId })
    expect(credentials).toEqual([])
  })
})
