/** Names a device from its User-Agent, for the person who reads their list of sessions. A hint, never a decision. */
import Bowser from 'bowser'

/** @returns e.g. `Chrome on macOS`, or null for what is not a browser we know */
export function deviceLabel(userAgent: string | null): string | null {
  if (!userAgent) return null
  const { browser, os } = Bowser.parse(userAgent)
  // The parser also makes up names, of whatever the text says: those are the caller's own words (CASES I05).
  if (!isOneOf(BROWSER_MAP, browser.name)) return null
  return isOneOf(OS_MAP, os.name) ? `${browser.name} on ${os.name}` : browser.name
}

const { BROWSER_MAP, OS_MAP } = Bowser

const isOneOf = (names: Record<string, string>, name: string | undefined): name is string =>
  name !== undefined && Object.values(names).includes(name)
