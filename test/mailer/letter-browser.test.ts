/**
 * Mails as a program that renders HTML shows it: on the narrowest phone, in the light and in the dark, in each language, in the
 * tenant's colour, whatever it is. `SCREENSHOTS=<folder>` keeps a picture of each.
 */
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderHtml } from '../../src/mailer/html.tsx'
import { findChromium, type Look, newLook } from '../support/chromium.ts'
import { due, ENTRIES, LANGUAGES, write } from '../support/letters.ts'

const executablePath = findChromium('mails in a real browser')

/** One of each shape: with a link, a code, facts, and without. */
const SHAPES = [
  ...new Map(
    ENTRIES.map((entry) => [
      `${entry.link === 'sign_in'} ${!entry.link} ${entry.facts.length} ${entry.kind}`,
      entry,
    ]),
  ).values(),
]

/** None, and those that are hardest to write on or to see: yellow, black, white, a grey in the middle. */
const COLOURS = [null, '#ffeb00', '#000000', '#ffffff', '#777777']
const WIDTH = 320

const LOOKS = (['light', 'dark'] as const).flatMap(
  (colorScheme) =>
    LANGUAGES.map((locale) => ({ width: WIDTH, colorScheme, locale: locale as Look['locale'] })), // a file of each is there
)

let browser: Browser

describe.skipIf(!executablePath)('in Chromium', { timeout: 180_000 }, () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
  }, 120_000)

  afterAll(async () => browser?.close())

  test.each(LOOKS)(
    'pages 25: a mail of each shape fits $width px, $colorScheme, in $locale, asks for nothing, and axe-core finds nothing',
    async ({ width, colorScheme, locale }) => {
      const context = await browser.newContext({ viewport: { width, height: 700 }, colorScheme })
      const { look, found } = newLook('mail', { width, colorScheme, locale })
      const asked: string[] = []
      const page = await context.newPage()
      page.on('request', (request) => asked.push(request.url()))
      for (const [index, entry] of SHAPES.entries()) {
        const colour = COLOURS[index % COLOURS.length] ?? null
        const mail = due(entry, 'Müller & Söhne Versicherungsvermittlungsgesellschaft', locale)
        const letter = write({ ...mail, tenant: { ...mail.tenant, colour } })
        await page.setContent(renderHtml(letter))
        await look(page, `${entry.template}-${colour?.slice(1) ?? 'none'}`)
      }
      await context.close()
      expect(found).toEqual([])
      expect(asked).toEqual([])
    },
  )
})
