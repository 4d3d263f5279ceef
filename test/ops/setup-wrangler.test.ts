/**
 * What `npm run setup` asks of wrangler, asked of the wrangler that is installed: it speaks to an API of ours in the place of Cloudflare's. So the stand-in of
 * setup.test.ts is held to how the genuine one answers.
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createQueue, hasQueue, putSecrets, secretNames, whoIsSignedIn } from '../../ops/setup/wrangler.ts'
import { ACCOUNT, API_TOKEN, startCloudflare } from '../support/cloudflare.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-wrangler-'))
const bin = path.join(folder, 'bin')
const state = path.join(folder, 'state.json')
mkdirSync(bin)
copyFileSync('test/support/wrangler.js', path.join(bin, 'wrangler'))
writeFileSync(path.join(bin, 'package.json'), '{"type":"module"}')
chmodSync(path.join(bin, 'wrangler'), 0o755)
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

const KINDS = { genuine: path.resolve('node_modules/.bin'), 'stand-in': bin }

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('the %s wrangler', (kind) => {
  let cloudflare: Awaited<ReturnType<typeof startCloudflare>>
  beforeEach(async () => {
    cloudflare = await startCloudflare()
    vi.stubEnv('PATH', `${KINDS[kind]}:${process.env.PATH}`)
    vi.stubEnv('HOME', folder)
    vi.stubEnv('XDG_CONFIG_HOME', folder)
    vi.stubEnv('CLOUDFLARE_API_BASE_URL', cloudflare.url)
    vi.stubEnv('CLOUDFLARE_API_TOKEN', API_TOKEN)
    vi.stubEnv('WRANGLER_STATE', state)
    signIn(true)
  })
  afterEach(() => cloudflare.stop())

  const signIn = (login: boolean) =>
    writeFileSync(
      state,
      JSON.stringify({
        login,
        accounts: [ACCOUNT],
        queues: [],
        secrets: null,
        deployed: 0,
        stops: null,
        calls: [],
      }),
    )

  test('says who is signed in, what there is, and takes queues and secrets', {
    timeout: 120_000,
  }, async () => {
    expect(await whoIsSignedIn()).toEqual({ loggedIn: true, email: 'you@acme.test', accounts: [ACCOUNT] })
    expect(await hasQueue('latchkey-events')).toBe(false)
    await createQueue('latchkey-events')
    expect(await hasQueue('latchkey-events')).toBe(true)
    await expect(createQueue('latchkey-events')).rejects.toThrow('is already taken')
    expect(await secretNames()).toBeNull()
    await putSecrets({ AUTH_KEYS: 'k1:x', DATABASE_URL: 'postgresql://x' })
    expect((await secretNames())?.toSorted()).toEqual(['AUTH_KEYS', 'DATABASE_URL'])
    if (kind === 'genuine')
      expect(cloudflare.kept.secrets).toEqual({ AUTH_KEYS: 'k1:x', DATABASE_URL: 'postgresql://x' })
  })

  test('refuses where no one is signed in', async () => {
    signIn(false)
    vi.stubEnv('CLOUDFLARE_API_TOKEN', undefined)
    await expect(whoIsSignedIn()).rejects.toThrow('npx wrangler login')
    await expect(hasQueue('latchkey-events')).rejects.toThrow('wrangler queues info latchkey-events failed')
    await expect(secretNames()).rejects.toThrow('wrangler secret list failed')
  })
})
