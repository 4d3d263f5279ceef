/**
 * What `npm run setup` meets outside, loaded before it by `--import`: once the stand-in wrangler has deployed, the host answers as ours would, and before
 * that as the state says, if at all; all other
 * addresses are asked as they are. With `stops` in the state, the process is killed in each step: when a change is made and before the step knows of it, or
 * with half of a file written.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { WRANGLER_STATE: file, SETUP_HOST: host } = process.env
const { fetch: askGenuinely } = globalThis
const { readFileSync, writeFileSync } = fs
const readState = () => JSON.parse(readFileSync(file, 'utf8'))

let done = 0
const write = process.stdout.write.bind(process.stdout)
process.stdout.write = (text, ...rest) => {
  if (/^(is done|done) /.test(text)) done += 1
  return write(text, ...rest)
}

/** Of one step; the database has a change for each migration. */
const MOST_STOPS = 2

/** @param half what is there when the change is cut off in the middle */
function stopOnce(change, half = () => {}) {
  const state = readState()
  const name = `${done} ${change}`
  const ofStep = state.stops?.filter((stop) => stop.startsWith(`${done} `)) ?? []
  if (!state.stops || ofStep.length >= MOST_STOPS || ofStep.includes(name)) return
  half()
  writeFileSync(file, JSON.stringify({ ...state, stops: [...state.stops, name] }))
  process.kill(process.pid, 'SIGKILL')
}

fs.writeFileSync = (name, text, ...rest) => {
  stopOnce(`half of ${name}`, () => writeFileSync(name, text.slice(0, text.length / 2), ...rest))
  writeFileSync(name, text, ...rest)
}
syncBuiltinESMExports()

const CHANGE = /\b(insert into|create table|create index|alter table|update(?! of\b)) "?(\w+)/i
const ANSWERS = {
  '/healthz': { status: 'ok' },
  '/.well-known/openid-configuration': { issuer: `https://${host}` },
}

globalThis.fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input)
  if (url.host === host) {
    const { deployed, other } = readState()
    if (deployed === 0 && other) return new Response(other)
    if (deployed === 0) throw new TypeError('fetch failed')
    const body = ANSWERS[url.pathname] ?? { keys: [{ kid: 'k' }] }
    return new Response(JSON.stringify(body), { headers: { date: new Date().toUTCString() } })
  }
  const response = await askGenuinely(input, init)
  const [, verb, name] = CHANGE.exec(String(init?.body).replaceAll('\\"', '"')) ?? []
  if (url.pathname === '/sql' && verb) {
    await response.clone().text()
    stopOnce(`${verb} ${name}`)
  }
  return response
}
