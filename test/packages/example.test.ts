/** `npm run example` in one command, and its page in a real browser: sign up, call the API, be signed out from elsewhere, be refused. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../dev/local-server.ts'
import { withoutSettings } from '../../ops/child-environment.ts'
import { findChromium } from '../support/chromium.ts'
import { newEmail, PASSWORD } from '../support/client.ts'

const executablePath = findChromium('the example product in a real browser')

/** What verifiers promise: docs/verifying-tokens.md. */
const REFUSED_WITHIN_MS = 15_000

/** A checkout whose `.latchkey/` is its own. */
function checkOut(): string {
  const checkout = mkdtempSync(path.join(tmpdir(), 'latchkey-example-'))
  const folders = ['src', 'ops', 'dev', 'migrations', 'examples', 'node_modules']
  for (const part of [...folders, 'wrangler.toml', 'package.json', 'tsconfig.json'])
    symlinkSync(path.resolve(part), path.join(checkout, part))
  return checkout
}

async function startExample(cwd: string) {
  const [port, mailPort, examplePort] = [await freePort(), await freePort(), await freePort()]
  const ports = { PORT: String(port), MAIL_PORT: String(mailPort), EXAMPLE_PORT: String(examplePort) }
  const child = spawn(process.execPath, [path.resolve('examples/run.ts')], {
    cwd,
    env: { ...withoutSettings(process.env), ...ports },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text
        if (printed.includes('example http')) resolve()
      })
  })
  await Promise.race([ready, ended])
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  const [issuer, origin] = [`http://localhost:${port}`, `http://localhost:${examplePort}`]
  return { issuer, origin, printed: () => printed, stop }
}

describe.skipIf(!executablePath)('the example product', { timeout: 120_000 }, () => {
  let browser: Browser
  let example: Awaited<ReturnType<typeof startExample>>
  const checkout = checkOut()

  beforeAll(async () => {
    example = await startExample(checkout)
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
  }, 180_000)

  afterAll(async () => {
    await browser?.close()
    await example?.stop()
    rmSync(checkout, { recursive: true, force: true })
  })

  const says = (page: Page) => page.textContent('#says')

  async function signUp(): Promise<{ page: Page; email: string }> {
    const page = await (await browser.newContext()).newPage()
    await page.goto(example.origin)
    await expect.poll(() => says(page)).toBe('Sign in, or create an account.')
    const email = newEmail()
    await page.fill('[name=email]', email)
    await page.fill('[name=password]', PASSWORD)
    await page.click('button[value=register]')
    await page.waitForSelector('#notes:visible')
    return { page, email }
  }

  async function addNote(page: Page, text: string): Promise<void> {
    await page.fill('[name=text]', text)
    await page.press('[name=text]', 'Enter')
    await page.waitForSelector(`li:text-is("${text}")`)
  }

  /** The owner, at another device. */
  async function signOutElsewhere(email: string): Promise<void> {
    const call = (method: string, route: string, rest: RequestInit) =>
      fetch(example.issuer + route, { method, ...rest })
    const answer = await call('POST', '/v1/login', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: PASSWORD }),
    })
    const { access_token } = (await answer.json()) as { access_token: string }
    const headers = { authorization: `Bearer ${access_token}` }
    expect((await call('DELETE', '/v1/sessions?except=current', { headers })).status).toBe(204)
  }

  test('starts in one command, and a person who signed up has notes of their own', async () => {
    expect(example.printed()).toContain(`ready ${example.issuer}`)
    const { page } = await signUp()
    expect(await says(page)).toBe('No notes yet.')
    await addNote(page, 'Buy <b>milk</b>')
    await page.reload()
    await page.waitForSelector('li:text-is("Buy <b>milk</b>")')
    const { page: another } = await signUp()
    expect(await another.locator('li').count()).toBe(0)
  })

  test('a session that its owner ended elsewhere is refused within 15 seconds, while its token is good for minutes', async () => {
    const { page, email } = await signUp()
    await addNote(page, 'Call Ada')
    await signOutElsewhere(email)
    const startedAt = performance.now()
    while (await page.isVisible('#notes')) {
      expect(performance.now() - startedAt, 'milliseconds since').toBeLessThan(REFUSED_WITHIN_MS)
      // At once: between a look and a click the button may go.
      await page.evaluate(
        "[...document.querySelectorAll('#reload')].forEach((button) => button.checkVisibility() && button.click())",
      )
      await wait(250)
    }
    expect(await says(page)).toBe('Your session has ended. Sign in again.')
  })

  test('signing out ends the session here at once', async () => {
    const { page } = await signUp()
    await page.click('#sign-out')
    await expect.poll(() => says(page)).toBe('You are signed out.')
    await page.reload()
    await expect.poll(() => says(page)).toBe('Sign in, or create an account.')
  })

  test('without a token of the service there are no notes', async () => {
    const ask = (headers: Record<string, string>) => fetch(`${example.origin}/api/notes`, { headers })
    expect((await ask({})).status).toBe(401)
    expect((await ask({ authorization: 'Bearer x' })).status).toBe(401)
    const { headers } = await fetch(example.origin)
    expect(headers.get('content-security-policy')).toBe(
      `default-src 'self'; connect-src 'self' ${example.issuer}`,
    )
  })
})
