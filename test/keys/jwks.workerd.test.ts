/** How long a location goes on with its copy of the JWKS. Nothing listens where its database would be. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { createContext } from '../../src/context.ts'
import { readEdgeCache, writeEdgeCache } from '../../src/http/edge-cache.ts'
import { readJwks } from '../../src/keys/jwks.ts'
import { JWKS_EDGE_SECONDS } from '../../src/keys/staleness.ts'
import { refuse } from '../../src/problem.ts'

const KEYS = [{ kty: 'OKP', crv: 'Ed25519', x: 'AA', kid: 'kept-kid', alg: 'EdDSA', use: 'sig' }]

/** A location that read its copy so many seconds ago. */
async function locationWithCopy(host: string, readSecondsAgo: number | null) {
  const execution = createExecutionContext()
  const bindings = { ENVIRONMENT: 'local', DATABASE_URL: 'postgresql://a:a@127.0.0.1:1/a' }
  const request = new Request(`http://${host}/.well-known/jwks.json`)
  const ctx = createContext(
    request,
    bindings,
    (work) => execution.waitUntil(work),
    ['DATABASE_URL'],
    'request',
  )
  const readAt = readSecondsAgo === null ? {} : { readAt: ctx.now().getTime() - readSecondsAgo * 1000 }
  writeEdgeCache(ctx, 'jwks', { keys: KEYS, ...readAt })
  await waitOnExecutionContext(execution)
  expect(await readEdgeCache(ctx, 'jwks')).toMatchObject({ keys: KEYS })
  return ctx
}

test('keys 4: answers from its copy for a minute, without asking', async () => {
  const ctx = await locationWithCopy('young.test', JWKS_EDGE_SECONDS - 5)
  expect(await readJwks(ctx, async () => null)).toEqual({ keys: KEYS })
  expect(ctx.trips.counted().postgres.trips).toBe(0)
})

test.each([
  ['of more than a minute ago', JWKS_EDGE_SECONDS + 1],
  ['of a release that did not say when', null],
])(
  'keys 4: asks again with a copy %s, and uses it only because the database is away',
  async (what, readSecondsAgo) => {
    const ctx = await locationWithCopy(`${what.replaceAll(' ', '-')}.test`, readSecondsAgo)
    expect(await readJwks(ctx, async () => null)).toEqual({ keys: KEYS })
    expect(ctx.trips.counted().postgres.trips).toBe(1)
  },
)

test('accounts 9: a location that may not ask again answers from its copy, and refuses only without one', async () => {
  const refusal = refuse('rate_limited')
  const ctx = await locationWithCopy('limited.test', JWKS_EDGE_SECONDS + 1)
  expect(await readJwks(ctx, async () => refusal)).toEqual({ keys: KEYS })
  const elsewhere = Object.assign(await locationWithCopy('limited-too.test', 1), {
    origin: 'http://cold.test',
  })
  expect(await readJwks(elsewhere, async () => refusal)).toBe(refusal)
  expect(ctx.trips.counted().postgres.trips + elsewhere.trips.counted().postgres.trips).toBe(0)
})
