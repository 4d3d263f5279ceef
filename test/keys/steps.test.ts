/** keys 1: the steps of a rotation as an operator takes them, each with its check. */
import { expect, test } from 'vitest'
import { KEYED_WORKERS } from '../../src/keys/auth-keys.ts'
import { createClient, newClient, newEmail } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { runKeys } from '../support/keys-command.ts'
import { type Service, startService, useService } from '../support/service.ts'

const LIMITS = { LIMITS_MULTIPLIER: '1000' }
const service = useService({ bindings: LIMITS })

const keys = (words: string[], ring: string) => runKeys(service(), words, { AUTH_KEYS: ring })

async function withRing<T>(ring: string, use: (on: Service) => Promise<T>): Promise<T> {
  const other = await startService({ beside: service(), bindings: { ...LIMITS, AUTH_KEYS: ring } })
  try {
    return await use(other)
  } finally {
    await other.stop()
  }
}

/** One call to each Worker that holds AUTH_KEYS. */
async function callEach(on: Service, client: ReturnType<typeof createClient>, email: string) {
  const { access_token: bearer, refresh_token } = await client.signIn(email)
  expect((await client.refresh(refresh_token)).status).toBe(200)
  await client.call('/v1/email/code/verify', { json: { email: newEmail(), code: '123456' } })
  expect((await client.call('/v1/passkeys/login/options', { method: 'POST' })).status).toBe(200)
  expect((await client.call('/v1/mfa', { bearer })).status).toBe(200)
  expect((await client.call('/v1/api-keys', { bearer })).status).toBe(200)
  expect((await client.call('/v1/identities', { bearer })).status).toBe(200)
  expect((await client.call('/v1/webhooks', { bearer })).status).toBe(200)
  expect((await client.call('/v1/admin/audit-events', { bearer })).status).toBe(200)
  expect((await client.call('/sign-in')).status).toBe(200)
  await on.runCron('* * * * *')
}

const reports = () => service().sql('select worker, key_ids from deployed_keyrings order by 1, 2')

test('keys 1: add, promote, reseal, retire: each says what is missing, and no one is refused on the way', {
  timeout: 600_000,
}, async () => {
  const client = await newClient(service())
  const { email } = await client.signUpAdmin()
  await service().sql('delete from webhook_endpoints') // the helper's own, whose secret is no sealed text
  const k1 = service().bindings.AUTH_KEYS ?? ''
  await callEach(service(), client, email)
  expect(await reports(), 'nothing is reported while nothing is added').toEqual([])

  const early = await keys(['promote', 'k2'], k1)
  expect(early).toMatchObject({ status: 1, stdout: '' })
  expect(early.stderr).toContain('npm run keys -- add k2')

  const added = await keys(['add', 'k2'], k1)
  expect(added.status).toBe(0)
  const ready = added.stdout.trim()
  expect(ready).toMatch(/^k1:[\w+/=]+,k2:[\w+/=]+$/)
  expect(added.stderr).toContain('wrangler secret put AUTH_KEYS')
  expect((await keys(['add', 'k2'], ready)).stdout.trim(), 'again: the same').toBe(ready)
  expect((await keys(['add', 'k3'], ready)).stderr, 'one at a time').toContain('k2 is already being added')
  expect((await keys(['promote', 'k2'], k1)).stderr, 'a ring without it').toContain('lacks k2')
  expect((await keys(['reseal'], ready.split(',').toReversed().join(','))).stderr).toContain('not in use yet')

  const unseen = await keys(['promote', 'k2'], ready)
  expect(unseen).toMatchObject({ status: 1, stdout: '' })
  for (const worker of KEYED_WORKERS) expect(unseen.stderr).toContain(`${worker} was not seen with k2`)

  await withRing(ready, async (on) => {
    await callEach(on, createClient(on, client.tenant), email)
    await client.signIn(email) // one isolate that has not got it yet
    await expect.poll(async () => (await reports()).length).toBe(KEYED_WORKERS.length + 1)
    const behind = await keys(['promote', 'k2'], ready)
    expect(behind.status).toBe(1)
    expect(behind.stderr).toMatch(/password answered without k2 \d+ s ago/)
    expect(behind.stderr).not.toContain('was not seen')
    const listed = await keys([], ready)
    expect(listed.stdout).toMatch(/password: WITHOUT it, \d+ s ago/)
    expect(listed.stdout).toMatch(/jobs: has it, \d+ s ago/)
  })
  await service().sql(
    `update deployed_keyrings set seen_at = now() - interval '5 minutes 1 second' where key_ids = 'k1'`,
  )
  expect((await keys([], ready)).stdout).toContain('Next: npm run keys -- promote k2')
  const promoted = await keys(['promote', 'k2'], ready)
  expect(promoted.status, promoted.stderr).toBe(0)
  const next = promoted.stdout.trim()
  expect(next).toBe(ready.split(',').toReversed().join(','))

  await withRing(next, async (on) => {
    const there = createClient(on, client.tenant)
    await there.signIn(email)
    const another = await there.signUp()
    const stale = await newClientUnder(ready, client.tenant, another.tokens.refresh_token)
    expect(stale, 'a Worker that is still at the first step reads it').toBe(200)

    const listed = await keys([], next)
    expect(listed.stdout).toContain('k2 is the current key since')
    expect(listed.stdout).toMatch(/retire k1 .*\n +refresh tokens: until \d{4}-/)
    const needed = await keys(['retire', 'k1'], next)
    expect(needed).toMatchObject({ status: 1, stdout: '' })
    expect(needed.stderr).toMatch(/k1 is still needed:\n +\d+ /)
    expect(needed.stderr).toMatch(/\d+ refresh tokens/)

    const resealed = await keys(['reseal'], next)
    expect(resealed.status, resealed.stderr).toBe(0)
    expect(resealed.stdout).toMatch(/passwords: \d+ read, \d+ moved/)
    expect((await keys(['retire', 'k1'], next)).stderr).not.toContain('passwords')
    // The stated waits are over.
    await on.sql(`update refresh_tokens set expires_at = now() where key_id = 'k1'`)
    await on.sql('update one_time_tokens set expires_at = now()')
    const retired = await keys(['retire', 'k1'], next)
    expect(retired.status, retired.stderr).toBe(0)
    expect(`${retired.stdout.trim()},${k1}`).toBe(next)
    expect((await keys(['retire', 'k2'], next)).stderr, 'the one that is used').toContain(
      'is the current key',
    )
    await withRing(retired.stdout.trim(), async (last) => {
      const later = createClient(last, client.tenant)
      expect((await later.login(email)).status).toBe(200)
      expectProblem(await later.login(newEmail()), 'invalid_credentials')
    })
  })
})

/** What a refresh answers at a Worker with this ring. */
const newClientUnder = (ring: string, tenant: Parameters<typeof createClient>[1], refreshToken: string) =>
  withRing(ring, async (on) => (await createClient(on, tenant).refresh(refreshToken)).status)

test('keys 1: no output but the value of add names key material', { timeout: 180_000 }, async () => {
  const k1 = service().bindings.AUTH_KEYS ?? ''
  const material = k1.split(':')[1] ?? ''
  for (const words of [[], ['retire', 'k9'], ['promote', 'k9'], ['add', 'not an id']]) {
    const { stdout, stderr } = await keys(words, k1)
    expect(stderr).not.toContain(material)
    if (words[0] !== 'retire') expect(stdout).not.toContain(material)
  }
})
