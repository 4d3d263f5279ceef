/** One line of an import has all that a person had elsewhere: their id, what signs them in, and their API keys. */
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { apiKeysCommand } from '../../ops/api-keys.ts'
import { type Challenge, codeAt, verifyMfa } from '../support/authenticator.ts'
import { type Client, newEmail, race } from '../support/client.ts'
import { BCRYPT, BCRYPT_PASSWORD, countAccounts, newImporter } from '../support/import-users.ts'
import { runCommand } from '../support/keys-command.ts'
import { runInProcess } from '../support/operator-command.ts'
import { coseKey, createPasskey } from '../support/passkey-authenticator.ts'
import { rpIdOf } from '../support/planted-passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const newKey = () => `sk_live_${randomBytes(24).toString('base64url')}`
const sha256 = (key: string) => createHash('sha256').update(key).digest('hex')
const hmac = (key: string) => createHmac('sha256', 'pepper').update(key).digest('hex')
const apiKey = (key: string, rest: object = {}) => ({
  ...{ sha256: sha256(key), name: 'Old', scopes: ['orders:read'] },
  ...rest,
})

const giveHmacKey = ({ tenant }: Client) =>
  runInProcess(
    (ctx, words, out) => apiKeysCommand(ctx, words, out, async () => 'pepper'),
    service().operator,
    ['add-secret', 'old', '--tenant', tenant.slug],
  )

/** A person with everything that a line can say, and what proves it. */
function newPerson({ tenant }: Client) {
  const asked = { rp: { id: rpIdOf(tenant) }, user: { id: 'a2V5' }, challenge: '' }
  const { passkey } = createPasskey(asked, tenant.origin)
  const keys = [newKey(), newKey()] as const
  const line = {
    email: newEmail(),
    email_verified: true,
    name: 'Grace',
    roles: ['editor'],
    external_id: `crm-${randomUUID()}`,
    password_hash: BCRYPT,
    totp_secret: SECRET,
    passkeys: [
      {
        credential_id: passkey.id.toString('base64url'),
        public_key: coseKey('ES256', passkey.publicKey).toString('base64'),
        rp_id: asked.rp.id,
        second_factor: false,
      },
    ],
    identities: [{ issuer: 'https://github.com', subject: randomUUID() }],
    api_keys: [
      apiKey(keys[0]),
      { name: 'Older', scopes: ['orders:read'], hmac_sha256: { key: 'old', hash: hmac(keys[1]) } },
    ],
  }
  return { line, keys }
}

const verify = async (client: Client, key: string) =>
  (await client.call('/v1/api-keys/verify', { json: { key } })).body

async function expectAll(client: Client, { line, keys }: ReturnType<typeof newPerson>): Promise<void> {
  const [row] = await service().sql<{ id: string }>(
    `select id, external_id, roles, (select count(*)::int from passkeys where user_id = users.id) as passkeys,
       (select count(*)::int from identities where user_id = users.id) as identities
     from users where tenant_id = $1 and email = $2`,
    [client.tenant.id, line.email],
  )
  expect(row).toMatchObject({ external_id: line.external_id, roles: ['editor'], passkeys: 1, identities: 1 })
  const first = (await client.login(line.email, BCRYPT_PASSWORD)).body as unknown as Challenge
  expect((await verifyMfa(client, first, codeAt(SECRET))).status).toBe(200)
  for (const key of keys)
    expect(await verify(client, key)).toMatchObject({ valid: true, owner: { type: 'user', id: row?.id } })
  const events = await service().sql<{ type: string }>(
    `select type from events where subject = $1 and type like '%imported' order by type`,
    [row?.id],
  )
  expect(events.map(({ type }) => type)).toEqual(['api_key.imported', 'api_key.imported', 'user.imported'])
}

describe('administration 10: one line with everything', () => {
  test('brings all of it, by an administrator’s call', async () => {
    const { client, send } = await newImporter(service())
    await giveHmacKey(client)
    const person = newPerson(client)
    const { body } = await send([person.line])
    expect(body.results).toEqual([{ index: 0, status: 'created', id: expect.any(String) }])
    await expectAll(client, person)
    expect((await send([person.line])).body.results).toEqual([{ index: 0, status: 'exists' }])
  })

  test('and by the command', async () => {
    const { client } = await newImporter(service())
    await giveHmacKey(client)
    const person = newPerson(client)
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'latchkey-envelope-')), 'users.ndjson')
    writeFileSync(file, `${JSON.stringify(person.line)}\n`)
    const { status, stdout, stderr } = await runCommand(
      service(),
      'import',
      [file, '--tenant', client.tenant.slug],
      {
        AUTH_KEYS: service().bindings.AUTH_KEYS ?? '',
      },
    )
    expect({ status, stderr }).toMatchObject({ status: 0 })
    expect(JSON.parse(stdout)).toMatchObject({ line: 1, status: 'created' })
    await expectAll(client, person)
  })
})

describe('refuses', () => {
  test('what another account, or a line before, has; and keys that could never count', async () => {
    const { client, send } = await newImporter(service())
    await giveHmacKey(client)
    const first = newPerson(client)
    await send([first.line])
    const [key, other] = [newKey(), newKey()]
    const person = (rest: object) => ({ email: newEmail(), ...rest })
    const hashed = (name: string) => ({
      name: 'x',
      scopes: ['orders:read'],
      hmac_sha256: { key: name, hash: hmac(other) },
    })
    const lines = [
      person({ external_id: first.line.external_id }),
      person({ api_keys: [apiKey(other), apiKey(first.keys[0])] }),
      person({ external_id: 'twice', api_keys: [apiKey(key)] }),
      person({ external_id: 'twice' }),
      person({ api_keys: [apiKey(key)] }),
      person({ api_keys: [hashed('nothing')] }),
      person({ api_keys: [apiKey(other, { scopes: ['orders:refund'] })] }),
      person({ api_keys: [apiKey('x', { sha256: 'x' })] }),
      person({ api_keys: [{ name: 'x', scopes: ['orders:read'] }] }),
      person({ external_id: 'two words' }),
    ]
    const { body } = await send(lines)
    const refused = (index: number, code: string, pointer: string) => ({
      index,
      status: 'refused',
      code,
      pointer,
    })
    expect(body.results).toEqual([
      refused(0, 'external_id_taken', '/external_id'),
      refused(1, 'api_key_taken', '/api_keys/1'),
      { index: 2, status: 'created', id: expect.any(String) },
      refused(3, 'external_id_taken', '/external_id'),
      refused(4, 'api_key_taken', '/api_keys/0'),
      refused(5, 'unknown_hmac_key', '/api_keys/0/hmac_sha256/key'),
      refused(6, 'unknown_scope', '/api_keys/0/scopes'),
      refused(7, 'malformed_hash', '/api_keys/0/sha256'),
      refused(8, 'exactly_one_hash', '/api_keys/0/sha256'),
      refused(9, 'invalid_id', '/external_id'),
    ])
    expect(
      await countAccounts(
        service(),
        client,
        lines.map(({ email }) => email),
      ),
    ).toBe(1)
  })

  test('L01: an API key with a permission that the importer lacks', async () => {
    const client = await newScopedImporter()
    const { status } = await client.send([
      { email: newEmail(), api_keys: [apiKey(newKey(), { scopes: ['orders:refund'] })] },
    ])
    expect(status).toBe(403)
    expect((await client.send([{ email: newEmail(), api_keys: [apiKey(newKey())] }])).status).toBe(200)
  })

  /** Who may import, and has no other permission. */
  async function newScopedImporter() {
    const importer = await newImporter(service(), {
      settings: {
        api_key_scopes: ['orders:read', 'orders:refund'],
        roles: { importer: ['latchkey:users:import'], refunds: ['orders:refund'] },
      },
    })
    await service().sql(`update users set roles = '{importer}' where id = $1`, [importer.tokens.user.id])
    return importer
  }
})

test('administration 10: of twenty imports at once that claim one external id, one has it', async () => {
  const { client, send } = await newImporter(service())
  const emails = Array.from({ length: 20 }, newEmail)
  const answers = await race(20, (index) => send([{ email: emails[index], external_id: 'the-one' }]))
  const results = answers.map(({ status, body }) => ({ status, said: body.results?.[0]?.status }))
  expect(results.filter(({ said }) => said === 'created')).toHaveLength(1)
  expect(results.filter(({ status, said }) => status === 200 && said === 'refused')).toHaveLength(19)
  expect(await countAccounts(service(), client, emails)).toBe(1)
})
