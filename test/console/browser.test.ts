/**
 * The console in a real browser: with and without a script, on a phone and on a desktop, in the light and in the dark, in English
 * and in German. `SCREENSHOTS=<folder>` keeps a picture of each page.
 */
import { type Browser, type BrowserContext, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium, LOOKS, newLook } from '../support/chromium.ts'
import { type Client, createClient, PASSWORD } from '../support/client.ts'
import { png } from '../support/planted-logo.ts'
import { useService } from '../support/service.ts'

const executablePath = findChromium('the console in a real browser')
const service = useService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const ACTIONS = ['disable', 'end-sessions', 'send-reset', 'roles', 'verify-email', 'close'] as const

let browser: Browser
let client: Client

describe.skipIf(!executablePath)('in Chromium', { timeout: 180_000 }, () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
    const host = `localhost:${service().url.port}` // a secure context without a certificate
    client = createClient(service(), await service().newTenant({ host }))
    await client.plantedSocial.provider()
    await client.plantedLogo()
    await fillLog()
  }, 120_000)

  afterAll(async () => browser?.close())

  const at = (path: string) => `${client.tenant.origin}${path}`

  /** A day of sign-ins, some refused for several reasons, two new accounts, webhooks that were given up and mails that were not sent. */
  const fillLog = async () => {
    await service().sql(
      `insert into mails (event_id, user_id, tenant_id, template, state, reason, settled_at)
       select gen_random_uuid(), gen_random_uuid(), $1, 'sign_in', 'dropped',
         case when step % 3 = 0 then 'capped' else 'undeliverable' end, now() - make_interval(mins => 90 * step)
       from generate_series(1, 12) as step`,
      [client.tenant.id],
    )
    await service().sql(
      `insert into audit_events (id, occurred_at, tenant_id, sequence, type, data, previous_hash, hash)
       select gen_random_uuid(), now() - make_interval(mins => 7 * step), $1, step, type, data, '', ''
       from generate_series(1, 200) as step
       cross join lateral (values
         (case step % 8 when 0 then 'session.refused' when 1 then 'limit.exceeded' when 2 then 'token.refused'
            when 3 then case when step % 3 = 0 then 'user.registered' else 'session.started' end
            when 4 then case when step % 5 = 0 then 'webhook.delivery_dead' else 'session.started' end
            else 'session.started' end,
          case step % 8 when 0 then '{"code": "invalid_credentials"}' when 1 then '{"code": "rate_limited", "times": 3}'
            when 2 then '{"code": "invalid_token"}' else '{}' end::jsonb)) as made (type, data)`,
      [client.tenant.id],
    )
  }

  /** An administrator, and an account that has all that an account can have. */
  async function newDesk(context: BrowserContext) {
    const { email, tokens } = await client.newAdmin()
    const { email: theirs, tokens: own } = await client.newAccount()
    await client.withFactor(own)
    await client.plantedPasskey(own)
    await client.plantedSocial.identity(own)
    await service().sql('update users set name = $2 where id = $1', [own.user.id, '<b>Grace</b> Hopper'])
    const page = await context.newPage()
    await page.goto(at('/console'))
    await page.fill('#email', email)
    await page.fill('#password', PASSWORD)
    await page.press('#password', 'Enter')
    await page.waitForURL(at('/console*'))
    return { page, theirs, userId: own.user.id, endpointId: tokens.session.id }
  }

  describe.each(LOOKS)(
    'console 6: at $width px, $colorScheme, in $locale',
    ({ width, colorScheme, locale }) => {
      test('every page fits, and axe-core finds nothing', async () => {
        const context = await browser.newContext({
          viewport: { width, height: 900 },
          colorScheme,
          locale,
        })
        const { look: lookAt, found } = newLook('console', { width, colorScheme, locale })
        const { page, userId, endpointId } = await newDesk(context)
        const look = async (name: string, path: string) => {
          await page.goto(at(path))
          expect(new URL(page.url()).pathname, name).toBe(path.split('?')[0])
          await lookAt(page, name)
        }
        await look('overview', '/console')
        await page.click('summary')
        await lookAt(page, 'overview-table', 'details[open]')
        await look('users', '/console/users')
        await look('users-refused', '/console/users?email_prefix=%3Cb%3E')
        await look('user', `/console/users/${userId}`)
        for (const action of ACTIONS) await look(action, `/console/users/${userId}/${action}`)
        await look('audit', '/console/audit')
        await look('audit-export', '/console/audit/export?type=session.started')
        await look('webhooks', '/console/webhooks')
        await look('webhook', `/console/webhooks/${endpointId}`)
        for (const name of ['providers', 'roles', 'keys', 'settings', 'logo'])
          await look(name, `/console/${name}`)
        await look('setting', '/console/settings/redirect_uris')
        await look('webhook-replay', `/console/webhooks/${endpointId}/replay`)
        await context.close()
        expect(found).toEqual([])
      })
    },
  )

  describe.each([true, false])('with a script: %s', (javaScriptEnabled) => {
    test('console 6: a logo is uploaded from a file, and the page shows it', async () => {
      const context = await browser.newContext({ javaScriptEnabled, locale: 'en' })
      const { page } = await newDesk(context)
      await page.goto(at('/console/logo'))
      // Another one each time, so that no browser has it.
      const buffer = png(javaScriptEnabled ? 100 : 120, 40)
      await page.setInputFiles('#logo', { name: 'logo.png', mimeType: 'image/png', buffer })
      const shown = page.waitForResponse((response) => response.url().startsWith(at('/logo/')))
      await page.press('#reason', 'Enter')
      await page.waitForURL(at('/console/settings?done=logo'))
      expect(await page.textContent('[role=status]')).toBe('The logo is changed.')
      expect(await (await shown).body()).toEqual(buffer)
      await context.close()
    })

    test('console 6: a person is found, opened and disabled with a reason, and enabled again, by keyboard alone', async () => {
      const context = await browser.newContext({ javaScriptEnabled, locale: 'en' })
      const { page, theirs, userId } = await newDesk(context)
      const press = async (selector: string) => {
        await page.focus(selector)
        await page.keyboard.press('Enter')
      }
      await press('nav.sections a[href="/console/users"]')
      await page.waitForURL(at('/console/users'))
      await page.focus('#email_prefix')
      await page.keyboard.type(theirs)
      await page.keyboard.press('Enter')
      await page.waitForURL(at('/console/users?*'))
      await press(`main a[href="/console/users/${userId}"]`)
      await page.waitForURL(at(`/console/users/${userId}`))
      expect(await page.textContent('main')).toContain('<b>Grace</b> Hopper')
      expect(await page.locator('main b').count()).toBe(0)
      for (const [verb, done] of [
        ['disable', 'The account is disabled.'],
        ['enable', 'The account is enabled.'],
      ] as const) {
        await press(`main a[href="/console/users/${userId}/${verb}"]`)
        await page.waitForURL(at(`/console/users/${userId}/${verb}`))
        await page.focus('#reason')
        await page.keyboard.type('ticket 7')
        await page.keyboard.press('Enter')
        await page.waitForURL(at(`/console/users/${userId}?done=${verb}`))
        expect(await page.textContent('[role=status]')).toBe(done)
      }
      await page.click('header button')
      await page.waitForSelector('text=You are signed out')
      await page.goBack()
      await page.waitForSelector('h1:has-text("Sign in")')
      expect(await page.textContent('main')).not.toContain(theirs)
      await context.close()
    })
  })
})
