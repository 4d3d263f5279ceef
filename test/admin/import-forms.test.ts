/** Passwords in the forms that Keycloak and Auth0 give them: what is inside is the hash that we know. */
import { argon2Sync, pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newEmail } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { BCRYPT, BCRYPT_PASSWORD, newImporter } from '../support/import-users.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const salt = randomBytes(16)
const base64 = (bytes: Buffer) => bytes.toString('base64')
const pbkdf2 = (digest: string, iterations: number, length: number) =>
  pbkdf2Sync(BCRYPT_PASSWORD, salt, iterations, length, digest)
const phc = (bytes: Buffer) => base64(bytes).replace(/=+$/, '')
const argon2 = argon2Sync('argon2id', {
  message: BCRYPT_PASSWORD,
  nonce: salt,
  parallelism: 1,
  tagLength: 32,
  memory: 7168,
  passes: 5,
})

const keycloak = (value: Buffer, credentialData: object) => ({
  credentials: [
    {
      id: 'b54d0b43-6e1a-4a5a-a9a2-ab0ac2c0a1c2',
      type: 'password',
      userLabel: 'My password',
      createdDate: 1706707211123,
      secretData: JSON.stringify({ value: base64(value), salt: base64(salt), additionalParameters: {} }),
      credentialData: JSON.stringify({ additionalParameters: {}, ...credentialData }),
    },
  ],
})

const scrypt = scryptSync(BCRYPT_PASSWORD, salt, 64, { N: 4096, r: 8, p: 1 })

describe('files 8: a password', () => {
  test.each<[string, object]>([
    [
      'Keycloak ≤ 23',
      keycloak(pbkdf2('sha256', 27_500, 64), { hashIterations: 27_500, algorithm: 'pbkdf2-sha256' }),
    ],
    [
      'Keycloak, SHA-512',
      keycloak(pbkdf2('sha512', 30_000, 64), { hashIterations: 30_000, algorithm: 'pbkdf2-sha512' }),
    ],
    [
      'Keycloak, SHA-1',
      keycloak(pbkdf2('sha1', 20_000, 64), { hashIterations: 20_000, algorithm: 'pbkdf2' }),
    ],
    [
      'Keycloak 25+, Argon2',
      keycloak(argon2, {
        hashIterations: 5,
        algorithm: 'argon2',
        additionalParameters: {
          hashLength: ['32'],
          memory: ['7168'],
          type: ['id'],
          version: ['1.3'],
          parallelism: ['1'],
        },
      }),
    ],
    ['Auth0, bcrypt', { custom_password_hash: { algorithm: 'bcrypt', hash: { value: BCRYPT } } }],
    [
      'Auth0, Argon2',
      {
        custom_password_hash: {
          algorithm: 'argon2',
          hash: { value: `$argon2id$v=19$m=7168,t=5,p=1$${phc(salt)}$${phc(argon2)}`, encoding: 'utf8' },
        },
      },
    ],
    [
      'Auth0, PBKDF2',
      {
        custom_password_hash: {
          algorithm: 'pbkdf2',
          hash: { value: `$pbkdf2-sha512$i=20000,l=64$${phc(salt)}$${phc(pbkdf2('sha512', 20_000, 64))}` },
        },
      },
    ],
    [
      'Auth0, scrypt',
      {
        custom_password_hash: {
          algorithm: 'scrypt',
          hash: { value: scrypt.toString('hex'), encoding: 'hex' },
          salt: { value: base64(salt), encoding: 'base64' },
          keylen: 64,
          cost: 4096,
          blockSize: 8,
          parallelization: 1,
        },
      },
    ],
  ])('of %s signs in', async (_, said) => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const { body } = await send([{ email, email_verified: true, ...said }])
    expect(body.results).toEqual([{ index: 0, status: 'created', id: expect.any(String) }])
    expect((await client.login(email, BCRYPT_PASSWORD)).status).toBe(200)
    expectProblem(await client.login(email, `${BCRYPT_PASSWORD}!`), 'invalid_credentials')
  })

  test.each<[string, object, string]>([
    [
      'Auth0, MD5',
      { custom_password_hash: { algorithm: 'md5', hash: { value: 'a'.repeat(32), encoding: 'hex' } } },
      '/custom_password_hash',
    ],
    [
      'Keycloak, of a plugin',
      keycloak(salt, { hashIterations: 1, algorithm: 'bcrypt-ext' }),
      '/credentials/0',
    ],
    ['Keycloak, in plain text', { credentials: [{ type: 'password', value: 'secret' }] }, '/credentials/0'],
  ])('of %s costs no one the account: it is left out, and its owner resets it', async (_, said, pointer) => {
    const { send } = await newImporter(service())
    const { body } = await send([{ email: newEmail(), email_verified: true, ...said }])
    expect(body.results).toMatchObject([
      { status: 'created', warnings: [{ pointer, code: 'hash_not_supported' }] },
    ])
  })

  test('files 5: that Keycloak calls temporary is not imported', async () => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const said = keycloak(pbkdf2('sha256', 1000, 64), { hashIterations: 1000, algorithm: 'pbkdf2-sha256' })
    const credentials = said.credentials.map((one) => ({ ...one, temporary: true }))
    const { body } = await send([{ email, email_verified: true, credentials }])
    expect(body.results).toMatchObject([
      { status: 'created', warnings: [{ pointer: '/password_hash', code: 'password_change_required' }] },
    ])
    expectProblem(await client.login(email, BCRYPT_PASSWORD), 'invalid_credentials')
  })
})
