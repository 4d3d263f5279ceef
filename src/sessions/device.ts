/**
 * Names a device from its User-Agent, for the person who reads their list of sessions. Anyone can send any User-Agent: it
 * is a hint, and the one decision that reads it is whether an answer was lost (rotation.ts), which asks for more besides.
 */
import Bowser from 'bowser'

/** @returns e.g. `Chrome on macOS`, or null for what is not a browser we know */
export function deviceLabel(userAgent: string | null): string | null {
  if (!userAgent) return null
  const { browser, os } = Bowser.parse(userAgent)
  // The parser also makes up names, from any text: those would be the caller's own words.
  if (!isOneOf(BROWSER_MAP, browser.name)) return null
  return isOneOf(OS_MAP, os.name) ? `${browser.name} on ${os.name}` : browser.name
}

/**
 * What a device goes on calling itself while its programs are updated: the label of a browser, else the User-Agent
 * without its versions (`MyApp/2.1 CFNetwork/1568.200.51` and `MyApp/2.2 CFNetwork/1568.300.1` are one).
 * @returns null for a caller without a User-Agent
 */
export const deviceFingerprint = (userAgent: string | null): string | null =>
  deviceLabel(userAgent) ?? (userAgent?.replace(/\/[^\s;)]*|[0-9.]+/g, '').trim() || null)

const { BROWSER_MAP, OS_MAP } = Bowser

const isOneOf = (names: Record<string, string>, name: string | undefined): name is string =>
  name !== undefined && Object.values(names).includes(name)
