/**
 * keys 6: the signing keys and every keyring rotate by the commands of docs/operations.md, Worker by Worker, while people sign in,
 * refresh and call through a trusted server: no request is refused, and what one Worker issues the other takes.
 */
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newKeyringEntry } from '../../ops/keyring.ts'
import type * as Verifiers from '../../packages/latchkey/src/verifier.ts'
import { type Answer, type CallOptions, createClient, newClient, PASSWORD } from '../support/client.ts'
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

const CALLERS = 6

type Rings = { AUTH_KEYS: string; SIGNING_SEAL_KEYS: string; SERVICE_KEYS: string }
type Issued = { access_token: string; refresh_token: string }

/** Those of an operator's shell: the newest that was printed. */
let rings: Rings
/** The two Workers of the deployment. A release replaces one, then the other, under the callers' feet. */
let deployed: [Service, Service]
let credential: string
let callerHeader: Awaited<ReturnType<typeof printedCallerHeader>>

beforeAll(async () => {
  const { AUTH_KEYS = '', SIGNING_SEAL_KEYS = '' } = base().bindings
  rings = { AUTH_KEYS, SIGNING_SEAL_KEYS, SERVICE_KEYS: C1 }
  deployed = [base(), await start()]
  callerHeader = await printedCallerHeader()
})
afterAll(() => Promise.all(deployed.filter((one) => one !== base()).map((one) => one.stop())))

const start = () => startService({ beside: base(), bindings: { ...LIMITS, ...rings } })

/** People who do the same again and again, from one Worker to the other. @param refused gets whatever was not answered as it should */
function startCallers(tenant: TestTenant, emails: string[], early: Issued[], refused: string[]) {
  const callers = emails.map((email, at) => ({ email, at, rounds: 0, chain: early[at] as Issued }))
  let made = 0
  let isOver = false

  const callAt = async (on: Service, at: number, path: string, options: CallOptions) => {
    const { method = options.json === undefined ? 'GET' : 'POST' } = options
    const ip = `203.0.113.${at + 1}`
    const headers = callerHeader(credential, method, `${tenant.origin}${path}`, { ip })
    const answer: Answer<Issued> = await createClient(on, tenant).call(path, { ...options, headers })
    made += 1
    const { status, body } = answer
    if (status >= 300) refused.push(`${method} ${path}: ${status} ${JSON.stringify(body)}`)
    return body
  }

  async function goRound(caller: (typeof callers)[number]): Promise<void> {
    const { email, at, rounds } = caller
    const [here, there] = rounds % 2 === 0 ? deployed : deployed.toReversed()
    if (!here || !there) return
    const me = (on: Service, { access_token: bearer }: Issued) => callAt(on, at, '/v1/me', { bearer })
    const refresh = (on: Service, { refresh_token }: Issued) =>
      callAt(on, at, '/v1/refresh', { json: { refresh_token } })
    const signedIn = await callAt(here, at, '/v1/login', { json: { email, password: PASSWORD } })
    await me(there, signedIn)
    await me(here, await refresh(there, signedIn))
    // One session from before everything goes on through all of it, and its first access token is good until it expires.
    caller.chain = await refresh(there, caller.chain)
    await me(here, caller.chain)
    await me(there, early[at] as Issued)
    await verify(tenant, signedIn.access_token).catch((error: unknown) => {
      refused.push(`offline: ${String(error)}`)
    })
  }

  const run = async (caller: (typeof callers)[number]) => {
    while (!isOver) {
      await goRound(caller)
      caller.rounds += 1
    }
  }
  const running = Promise.all(callers.map(run))
  return {
    callers,
    made: () => made,
    /** Until everyone has done everything at both Workers since. */
    rounds: async () => {
      const before = callers.map(({ rounds }) => rounds)
      const fewest = () => Math.min(...callers.map(({ rounds }, at) => rounds - (before[at] ?? 0)))
      await expect.poll(fewest, { timeout: 60_000 }).toBeGreaterThan(2)
    },
    end: async () => {
      isOver = true
      await running
    },
  }
}

/** An API of a product: it keeps keys and lists, as every verifier does. */
let verifier: Verifiers.Verifier | undefined
const verify = (tenant: TestTenant, token: string) => {
  verifier ??= createVerifier({
    issuer: tenant.origin,
    endedSessions: 'refuse',
    fetch: (url) => deployed[0].fetch(url), // the one that is deployed now
  })
  return verifier.verifyAccessToken(token)
}

test('keys 6: every key rotates under load, and no request is refused', { timeout: 600_000 }, async () => {
  const client = await newClient(base())
  const accounts = await Promise.all(Array.from({ length: CALLERS }, () => client.newAccount()))
  credential = credentialFor(C1, client.tenant.origin)
  const refused: string[] = []
  const early = accounts.map(({ tokens }) => tokens)
  const load = startCallers(
    client.tenant,
    accounts.map(({ email }) => email),
    early,
    refused,
  )
  const run = async (...words: string[]) => {
    const { status, stdout, stderr } = await runKeys(base(), words, rings)
    expect(status, stderr).toBe(0)
    return stdout.trim()
  }
  /** A release: one Worker after the other, and what was replaced ends when its last requests are answered. */
  const release = async (change: Partial<Rings>) => {
    rings = { ...rings, ...change }
    for (const at of [0, 1] as const) {
      const before = deployed[at]
      deployed[at] = await start()
      await load.rounds()
      if (before !== base()) await before.stop()
    }
  }
  /** No edge and no verifier has the key set of before: here, Workers and a verifier that begin with none. */
  const aDayLater = async () => {
    await release({})
    verifier = undefined
    await load.rounds()
  }
  const kid = ({ chain }: { chain: Issued }) => decodeProtectedHeader(chain.access_token).kid
  const kids = () => [...new Set(load.callers.map(kid))]

  try {
    await load.rounds()
    const [first] = kids()

    // The signing key: published, and in every verifier's set a day later, then it signs.
    await run('rotate')
    await aDayLater()
    expect(kids()).toEqual([first])
    await run('rotate', '--now')
    await load.rounds()
    expect(kids()).not.toContain(first)
    expect(kids()).toHaveLength(1)

    // Keyrings: each Worker can read what the new keys make before any Worker makes something with them.
    const k1 = rings.AUTH_KEYS
    const added = await run('add', 'k2')
    const s1 = rings.SIGNING_SEAL_KEYS
    await release({ AUTH_KEYS: added, SIGNING_SEAL_KEYS: `${s1},${S2}`, SERVICE_KEYS: `${C2},${C1}` })
    credential = credentialFor(C2, client.tenant.origin)
    await load.rounds()
    // Those without it have been quiet for long enough.
    await base().sql(
      `update deployed_keyrings set seen_at = now() - interval '6 minutes' where key_ids = 'k1'`,
    )
    const promoted = await run('promote', 'k2', '--unseen')
    await release({ AUTH_KEYS: promoted, SIGNING_SEAL_KEYS: `${S2},${s1}`, SERVICE_KEYS: C2 })
    await run('reseal')
    await load.rounds()
    // What cannot be moved has been waited for; every session that goes on has a token of the new key.
    await base().sql(`update refresh_tokens set expires_at = now() where key_id = 'k1'`)
    const retired = await run('retire', 'k1')
    expect(`${retired},${k1}`).toBe(promoted)
    await release({ AUTH_KEYS: retired, SIGNING_SEAL_KEYS: S2 })

    // Only the new seal opens what the next signing key is made with.
    const [second] = kids()
    await run('rotate')
    await aDayLater()
    await run('rotate', '--now')
    await load.rounds()
    expect(kids()).not.toContain(second)
  } finally {
    await load.end()
  }
  expect(refused).toEqual([])
  expect(load.made()).toBeGreaterThan(500)
  const [{ others } = { others: null }] = await base().sql<{ others: number }>(
    `select count(*)::int as others from refresh_tokens where expires_at > now() and key_id <> 'k2'`,
  )
  expect(others).toBe(0)
})
