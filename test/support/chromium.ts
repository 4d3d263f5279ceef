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
export async function accessibilityFaults(page: Page): Promise<string[]> {
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

/** By how many pixels the page is wider than its window. */
export const overflowOf = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
