/** What a range is taken for, whatever its lines are, and how long it is waited for, in workerd itself. */
import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { findInBreaches } from '../../src/passwords/breached.ts'
import { normalisePassword } from '../../src/passwords/policy.ts'
import { readSettings } from '../../src/settings.ts'

/** The SHA-1 of `password`. */
const [PREFIX, SUFFIX] = ['5BAA6', '1E4C9B93F3F0682250B6CF8331B7EE68FD8']
const PASSWORD = normalisePassword('password')

afterEach(() => {
  vi.restoreAllMocks()
})

type Fetch = (url: string, signal: AbortSignal) => Promise<Response>

/** The answer for `password` when `fetch` is this; and what was asked and logged. */
async function lookUp(fetch: Fetch, deadlines: Record<string, string> = {}) {
  const asked: string[] = []
  const logged: unknown[] = []
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
    asked.push(String(input))
    return fetch(String(input), init?.signal ?? AbortSignal.abort())
  })
  const settings = readSettings(
    { BREACHED_PASSWORDS: 'hibp', BREACHED_PASSWORDS_TIMEOUT_MS: '10000', ...deadlines },
    [],
  )
  const log = (...line: unknown[]) => void logged.push(line)
  const isBreached = await findInBreaches({ settings, log }, PASSWORD)
  return { isBreached, asked, logged }
}

const answering = (body: string) => async () => new Response(body)

const line = fc.tuple(
  fc.oneof(
    fc.string({ unit: fc.constantFrom(...'0123456789ABCDEFabcdef'), minLength: 35, maxLength: 35 }),
    fc.constantFrom(SUFFIX, SUFFIX.toLowerCase(), `${SUFFIX.slice(0, -1)}9`),
  ),
  fc.oneof(fc.constant(0), fc.nat(100_000_000)),
)

test('a password is known exactly where a line of its suffix, in either case, counts more than nothing', {
  timeout: 60_000,
}, async () => {
  const range = fc.array(line, { minLength: 1, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(range, fc.constantFrom('\n', '\r\n'), fc.boolean(), async (lines, end, isEnded) => {
      const body = lines.map(([suffix, count]) => `${suffix}:${count}`).join(end) + (isEnded ? end : '')
      const { isBreached, asked, logged } = await lookUp(answering(body))
      expect(isBreached).toBe(lines.some(([suffix, count]) => suffix.toUpperCase() === SUFFIX && count > 0))
      expect([asked, logged]).toEqual([[`https://api.pwnedpasswords.com/range/${PREFIX}`], []])
    }),
  )
})

test('whatever is no range knows nothing, even with the suffix in it, and throws nothing', {
  timeout: 60_000,
}, async () => {
  const junk = fc
    .tuple(fc.string({ unit: 'binary', maxLength: 80 }), fc.string({ maxLength: 80 }))
    .map(([before, after]) => `${before}\n${SUFFIX}:7\n${after}`)
    .filter((text) => text.trim() !== `${SUFFIX}:7`)
  await fc.assert(
    fc.asyncProperty(junk, async (body) => {
      const { isBreached, logged } = await lookUp(answering(body))
      expect(isBreached).toBe(false)
      expect(logged).toEqual([['warn', 'breach check skipped', { cause: 'malformed' }]])
    }),
  )
})

test.each([
  ['the whole hash', `${PREFIX}${SUFFIX}:7`],
  ['JSON', `{"${SUFFIX}":7}`],
  ['a blank before it', ` ${SUFFIX}:7`],
  ['more after it', `${SUFFIX}:7;`],
  ['two counts', `${SUFFIX}:7:7`],
  ['a count below nothing', `${SUFFIX}:-7`],
  ['no count', `${SUFFIX}:`],
])('a line with %s is no line of a range', async (_, body) => {
  const { isBreached, logged } = await lookUp(answering(`${body}\r\n${'0'.repeat(35)}:1`))
  expect([isBreached, logged.length]).toEqual([false, 1])
})

test('a range that is longer than any is malformed, also where what is read of it looks whole', async () => {
  const lineOf = (suffix: string) => `${suffix}:${'7'.repeat(12)}\n` // cut in its count, it is still a line
  const endless = lineOf(SUFFIX) + lineOf('0'.repeat(35)).repeat(8_000)
  expect(endless.slice(0, 256 * 1024)).toMatch(/:7+$/)
  const { isBreached, logged } = await lookUp(answering(endless))
  expect([isBreached, logged]).toEqual([false, [['warn', 'breach check skipped', { cause: 'malformed' }]]])
})

test('an answer that says it failed is given up, not read', async () => {
  let given: AbortSignal | undefined
  const { isBreached } = await lookUp(async (_, signal) => {
    given = signal
    return new Response(`${SUFFIX}:7`, { status: 503 })
  })
  expect([isBreached, given?.aborted]).toEqual([false, true])
})

/** Never answers, and rejects when it is given up, as fetch does. */
const silent: Fetch = (_, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

test('no answer is waited for beyond the deadline', async () => {
  expect(await lookUp(silent, { BREACHED_PASSWORDS_TIMEOUT_MS: '50' })).toMatchObject({
    isBreached: false,
    logged: [[expect.anything(), expect.anything(), { cause: 'timeout' }]],
  })
})

test('no answer is waited for beyond the time of a request', { timeout: 8_000 }, async () => {
  // The clock is looked at once in a turn, which is a tenth of the deadline.
  const deadlines = { BREACHED_PASSWORDS_TIMEOUT_MS: '10000', REQUEST_TIMEOUT_MS: '50' }
  expect((await lookUp(silent, deadlines)).isBreached).toBe(false)
})

test('an answer is not late because hashes held the isolate meanwhile', async () => {
  const holding: Fetch = async (_, signal) => {
    for (let hash = 0; hash < 4; hash++) {
      for (const until = Date.now() + 60; Date.now() < until; );
      await scheduler.wait(0)
      expect(signal.aborted, `after hash ${hash + 1}`).toBe(false)
    }
    return new Response(`${SUFFIX}:7`)
  }
  expect((await lookUp(holding, { BREACHED_PASSWORDS_TIMEOUT_MS: '100' })).isBreached).toBe(true)
})
