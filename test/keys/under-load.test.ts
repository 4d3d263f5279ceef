/**
 * keys 6: the signing keys and every keyring rotate by the commands of docs/operations.md, Worker by Worker, while people sign in,
 * refresh and call through a trusted server: no request is refused, and what one Worker issues the other takes.
 */
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newKeyringEntry } from '../../ops/keyring.ts'
import type * as Verifiers from '../../packages/latchkey/src/verifier.ts'
import { type CallOptions, createClient, newClient, PASSWORD } from '../support/client.ts'
import { runKeys } from '../support/keys-command.ts'
import { type Service, startService, type TestTenant, useService } from '../support/service.ts'
import { credentialFor, printedCallerHeader } from '../support/trusted-server.ts'

/** As `npm ci` made it. */
const BUILT: string = '../../packages/latchkey/dist/verifier.js'
const { createVerifier } = (await import(BUILT)) as typeof Verifiers

const LIMITS = { LIMITS_MULTIPLIER: '100000' }
const [C1, C2] = [newKeyringEntry('c1'), newKeyringEntry('c2')]
const S2 = newKeyringEntry('s2')
const base = useService({ bindings: { ...LIMITS, SERVICE_KEYS: C1 } })

const CALLERS = 3
/** While a step is under way; each goes on with two more when it is done. */
const MAX_ROUNDS = 8

type Rings = { AUTH_KEYS: string; SIGNING_SEAL_KEYS: string; SERVICE_KEYS: string }
type Issued = { access_token: string; refresh_token: string }
type Caller = { email: string; ip: string; rounds: number; early: Issued; chain: Issued }

/** Those of an operator's shell: the newest that was printed. */
let rings: Rings
/** The two Workers of the deployment. A release replaces one, then the other, under the callers' feet. */
let deployed: [Service, Service]
let credential: string
let callerHeader: Awaited<ReturnType<typeof printedCallerHeader>>

beforeAll(async () => {
  const { AUTH_KEYS = '', SIGNING_SEAL_KEYS = '' } = base().bindings
  rings = { AUTH_KEYS, SIGNING_SEAL_KEYS, SERVICE_KEYS: C1 }
  deployed = [await start(), await start()]
  callerHeader = await printedCallerHeader()
})
afterAll(() => Promise.all(deployed.map((one) => one.stop())))

const start = () => startService({ beside: base(), bindings: { ...LIMITS, ...rings } })

/** An API of a product: it keeps keys and lists, as every verifier does. */
let verifier: Verifiers.Verifier
const newVerifier = ({ origin }: TestTenant) =>
  createVerifier({
    issuer: origin,
    endedSessions: 'refuse',
    fetch: (url) => deployed[0].fetch(url), // the one that is deployed now
  })

/** People who do the same again and again, from one Worker to the other, and expect no refusal. */
function callersOf(tenant: TestTenant, callers: Caller[]) {
  async function callAt(on: Service, { ip }: Caller, path: string, options: CallOptions): Promise<Issued> {
    const { method = options.json === undefined ? 'GET' : 'POST' } = options
    const headers = callerHeader(credential, method, `${tenant.origin}${path}`, { ip })
    const { status, body } = await createClient(on, tenant).call<Issued>(path, { ...options, headers })
    expect(status, `${method} ${path}: ${JSON.stringify(body)}`).toBeLessThan(300)
    return body
  }

  async function goRound(caller: Caller): Promise<void> {
    caller.rounds += 1
    const [here, there] = caller.rounds % 2 === 0 ? deployed : ([...deployed].reverse() as typeof deployed)
    const me = (on: Service, { access_token: bearer }: Issued) => callAt(on, caller, '/v1/me', { bearer })
    const post = (on: Service, path: string, json: object) => callAt(on, caller, path, { json })
    const refresh = (on: Service, { refresh_token }: Issued) => post(on, '/v1/refresh', { refresh_token })
    const signedIn = await post(here, '/v1/login', { email: caller.email, password: PASSWORD })
    await me(there, signedIn)
    await verifier.verifyAccessToken(signedIn.access_token)
    const successor = await refresh(there, signedIn)
    await me(here, successor)
    // An account has so many sessions at a time, and the oldest ends for one more.
    await post(here, '/v1/logout', { refresh_token: successor.refresh_token })
    // One session from before everything goes on through all of it, and its first access token is good until it expires.
    caller.chain = await refresh(there, caller.chain)
    await me(here, caller.chain)
    await me(there, caller.early)
  }

  /** Takes a step while everyone calls; ends when everyone has done everything at both Workers since. */
  return async function under<T>(step: () => Promise<T>): Promise<T> {
    let isDone = false
    const taken = step().finally(() => {
      isDone = true
    })
    const calling = callers.map(async (caller) => {
      for (let round = 0; round < MAX_ROUNDS && !isDone; round++) await goRound(caller)
      await taken
      await goRound(caller)
      await goRound(caller)
    })
    const [outcome] = await Promise.all([taken, ...calling])
    return outcome
  }
}

test('keys 6: every key rotates under load, and no request is refused', { timeout: 600_000 }, async () => {
  // Longer than this test takes on a busy machine.
  const client = await newClient(base(), { settings: { access_token_seconds: 3600 } })
  verifier = newVerifier(client.tenant)
  const accounts = await Promise.all(Array.from({ length: CALLERS }, () => client.signUp()))
  credential = credentialFor(C1, client.tenant.origin)
  const callers = accounts.map(({ email, tokens }, at) => ({
    email,
    ip: `203.0.113.${at + 1}`,
    rounds: 0,
    early: tokens,
    chain: tokens,
  }))
  const under = callersOf(client.tenant, callers)
  const run = (...words: string[]) =>
    under(async () => {
      const { status, stdout, stderr } = await runKeys(base(), words, rings)
      expect(status, stderr).toBe(0)
      return stdout.trim()
    })
  /** One Worker after the other; what was replaced ends when its last requests are answered. */
  const release = async (change: Partial<Rings>) => {
    rings = { ...rings, ...change }
    for (const at of [0, 1] as const) {
      const [before, after] = [deployed[at], await start()]
      await under(async () => {
        deployed[at] = after
      })
      await before.stop()
    }
  }
  /** No edge and no verifier has the key set of before: here, Workers and a verifier that begin with none. */
  const aDayLater = async () => {
    await release({})
    verifier = newVerifier(client.tenant)
  }
  const kids = () => [...new Set(callers.map(({ chain }) => decodeProtectedHeader(chain.access_token).kid))]

  // The signing key: published, and in every verifier's set a day later, then it signs.
  await run('rotate')
  const [first] = kids()
  await aDayLater()
  expect(kids()).toEqual([first])
  await run('rotate', '--now')
  const [second] = kids()
  expect(kids()).toEqual([second])
  expect(second).not.toBe(first)

  // Keyrings: each Worker can read what the new keys make before any Worker makes something with them.
  const { AUTH_KEYS: k1, SIGNING_SEAL_KEYS: s1 } = rings
  const added = await run('add', 'k2')
  await release({ AUTH_KEYS: added, SIGNING_SEAL_KEYS: `${s1},${S2}`, SERVICE_KEYS: `${C2},${C1}` })
  credential = credentialFor(C2, client.tenant.origin)
  // Those without it have been quiet for long enough.
  await base().sql(`update deployed_keyrings set seen_at = now() - interval '6 minutes' where key_ids = 'k1'`)
  const promoted = await run('promote', 'k2', '--unseen')
  await release({ AUTH_KEYS: promoted, SIGNING_SEAL_KEYS: `${S2},${s1}`, SERVICE_KEYS: C2 })
  await run('reseal')
  // What cannot be moved has been waited for; every session that goes on has a token of the new key.
  await base().sql(`update refresh_tokens set expires_at = now() where key_id = 'k1'`)
  const retired = await run('retire', 'k1')
  expect(`${retired},${k1}`).toBe(promoted)
  await release({ AUTH_KEYS: retired, SIGNING_SEAL_KEYS: S2 })

  // Only the new seal opens what the next signing key is made with.
  await run('rotate')
  await aDayLater()
  expect(kids()).toEqual([second])
  await run('rotate', '--now')
  expect(kids()).not.toContain(second)

  const [{ others } = { others: null }] = await base().sql<{ others: number }>(
    `select count(*)::int as others from refresh_tokens where expires_at > now() and key_id <> 'k2'`,
  )
  expect(others).toBe(0)
})
