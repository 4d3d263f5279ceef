/** Names a device from its User-Agent, for the person who reads their list of sessions. A hint, never a decision. */
import Bowser from 'bowser'

/** @returns e.g. `Chrome on macOS`, or null for what is not a browser we know */
export function deviceLabel(userAgent: string | null): string | null {
  if (!userAgent) return null
  const { browser, os } = Bowser.parse(userAgent)
  if (!browser.name) return null
  return os.name ? `${browser.name} on ${os.name}` : browser.name
}
