/** A Chromium of this machine (`CHROMIUM`, /usr/bin/chromium or /usr/bin/google-chrome), and what is asked of every page in it. */
import { existsSync, readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome']

/** @param what is skipped without one, and says so */
export function findChromium(what: string): string | undefined {
  const found = PLACES.find((place) => place !== undefined && existsSync(place))
  if (!found)
    console.warn(
      `SKIPPED: ${what}. There is no Chromium here: apt-get install chromium, or name one in CHROMIUM.`,
    )
  return found
}

const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8')

/** What axe-core finds wrong with the page, in words; the whole of WCAG 2.2 AA that a program can see, and best practices. */
async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(AXE) // not a script of the page, which its policy would refuse
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[]
  }
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      ({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 200)}: ${failureSummary.slice(0, 300)}`,
    ),
  )
}

/** A phone and a desktop, in the light and in the dark, in each language. */
export const LOOKS = [375, 1280].flatMap((width) =>
  (['light', 'dark'] as const).flatMap((colorScheme) =>
    (['en', 'de'] as const).map((locale) => ({ width, colorScheme, locale })),
  ),
)
export type Look = (typeof LOOKS)[number]

/**
 * What looks at pages: whether each is in the language and fits its window, and what axe-core finds. A click does not wait for where it leads, so a
 * look waits for something that only the page has which is meant.
 * @param prefix of its screenshots, which are written where SCREENSHOTS names a folder
 */
export function newLook(prefix: string, { width, colorScheme, locale }: Look) {
  const found: string[] = []
  const look = async (page: Page, name: string, selector = 'main') => {
    await page.waitForSelector(selector)
    await page.waitForLoadState()
    await page.evaluate('document.fonts.ready')
    const folder = process.env.SCREENSHOTS
    const file = `${prefix}-${name}-${width}-${colorScheme}-${locale}.png`
    if (folder) await page.screenshot({ path: `${folder}/${file}`, fullPage: true })
    const spoken = await page.getAttribute('html', 'lang')
    if (spoken !== locale) found.push(`${name}: in ${spoken}`)
    const wider = Number(
      await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
    )
    if (wider > 0) found.push(`${name}: ${wider} px wider than its window`)
    found.push(...(await accessibilityFaults(page)).map((fault) => `${name}: ${fault}`))
  }
  return { look, found }
}
