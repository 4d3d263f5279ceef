/**
 * Loaded before a command (`node --import`): WRANGLER_STATE says whether its Worker was deployed, and only then its host answers, as ours would. All
 * other addresses are asked as they are.
 */
import { readFileSync } from 'node:fs'

const genuine = globalThis.fetch
const { WRANGLER_STATE: file, SETUP_HOST: host } = process.env

globalThis.fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input)
  if (url.host !== host) return genuine(input, init)
  if (JSON.parse(readFileSync(file, 'utf8')).deployed === 0) throw new TypeError('fetch failed')
  const said = { '/healthz': { status: 'ok' }, '/.well-known/openid-configuration': { issuer: url.origin } }
  const body = said[url.pathname] ?? { keys: [{ kid: 'k' }] }
  return new Response(JSON.stringify(body), { headers: { date: new Date().toUTCString() } })
}
