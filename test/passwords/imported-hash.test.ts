/** People who moved in with a hash of another system: they sign in as they did there, and go on signing in. */
import { pbkdf2Sync } from 'node:crypto'
import { hashSync } from 'bcryptjs'
import { describe, expect, test } from 'vitest'
import { NO_PEPPER } from '../../src/crypto/foreign-hash.ts'
import { newEmail } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { PUBLISHED, VECTORS } from '../support/foreign-hash-vectors.ts'
import { newImporter, storedPassword } from '../support/import-users.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

async function moveIn(password_hash: unknown) {
  const { client, send } = await newImporter(service())
  const email = newEmail()
  const { body } = await send([{ email, email_verified: true, password_hash }])
  expect(body.results).toMatchObject([{ status: 'created' }])
  const signIn = async (password: string) => (await client.login(email, password)).status
  /** The imported hash as it is stored, or `OURS`. */
  const stored = async () => {
    const password = await storedPassword(service(), client, email)
    return password && (password.key_id === NO_PEPPER ? password.phc : OURS)
  }
  return { client, email, signIn, stored }
}

/** On a machine that others use. */
const HASHES = { timeout: 180_000 }

const OURS = 'Argon2id with our pepper'

describe.each([...PUBLISHED, ...VECTORS])('files 8: someone with a hash of %s', (name, password, hash) => {
  test('signs in, signs in again, and with no other password', HASHES, async () => {
    const { client, email, signIn, stored } = await moveIn(hash)
    const wrong = `${password.slice(0, -1)}?`
    expectProblem(await client.login(email, wrong), 'invalid_credentials')
    expect(await stored(), 'a wrong password changes nothing').toBe(hash)
    expect(await signIn(password)).toBe(200)
    if (name.startsWith('WordPress')) expect(await stored()).toBe(hash)
    else expect(await stored()).toBe(OURS)
    expect(await signIn(password)).toBe(200)
    expectProblem(await client.login(email, wrong), 'invalid_credentials')
  })
})

test(
  'files 8: someone with Firebase’s scrypt as Ory writes it signs in, and the signer key stays behind',
  HASHES,
  async () => {
    // ory/kratos, hash/hasher_test.go
    const signerKey =
      'YE0dO4bwD4JnJafh6lZZfkp1MtKzuKAXQcDCJNJNyeCHairWHKENOkbh3dzwaCdizzOspwr/FITUVlnOAwPKyw=='
    const hash = `$firescrypt$ln=14,r=8,p=1$sPtDhWcd1MfdAw==$xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2SfzPQu1oxM2/k4SsbOu73wlKe1A==$Bw==$${signerKey}`
    const { client, email, signIn, stored } = await moveIn(hash)
    expect(await stored()).toMatch(/^\$firebase-scrypt\$ln=14,r=8\$/)
    expect(await stored()).not.toContain(signerKey.slice(0, 20))
    expectProblem(await client.login(email, '8x4WjoDbSxJZd?'), 'invalid_credentials')
    expect(await signIn('8x4WjoDbSxJZdR')).toBe(200)
    expect(await stored()).toBe(OURS)
  },
)

describe('files 4: nothing is hashed anew that was not verified', () => {
  const LONG = 'correct horse battery staple, '.repeat(3) // 90 bytes

  test('a slip after byte 72 of bcrypt signs in, as it did there, and does not replace the password', async () => {
    const hash = hashSync(LONG, 5)
    const { client, email, signIn, stored } = await moveIn(hash)
    const slip = `${LONG.slice(0, 80)}?`
    expect(await signIn(slip)).toBe(200)
    expect(await stored()).toBe(hash)
    expect(await signIn(LONG)).toBe(200)
    expect(await stored()).toBe(hash)
    expect(await signIn(LONG)).toBe(200)
    expectProblem(await client.login(email, `?${LONG.slice(1)}`), 'invalid_credentials')
  })

  test('a kept hash confirms the password too, and goes when another is chosen', async () => {
    const { client, email, stored } = await moveIn(hashSync(LONG, 5))
    const { body } = await client.login(email, LONG)
    const bearer = body.access_token
    const confirmed = await client.call('/v1/password/confirm', { bearer, json: { password: LONG } })
    expect(confirmed.status).toBe(200)
    const json = { current_password: LONG, new_password: `another ${LONG}` }
    expect((await client.call('/v1/password/change', { bearer, json })).status).toBe(200)
    expect(await stored()).toBe(OURS)
    expectProblem(await client.login(email, `another ${LONG.slice(0, -1)}?`), 'invalid_credentials')
    expect((await client.login(email, `another ${LONG}`)).status).toBe(200)
  })

  test.each([
    ['fewer than 72 bytes of bcrypt', 'п'.repeat(35), /pepper/],
    ['72 bytes of bcrypt, which may have been more', 'п'.repeat(36), /^\$2b\$/],
  ])('%s', async (_, password, expected) => {
    const { signIn, stored } = await moveIn(hashSync(password, 5))
    expect(await signIn(password)).toBe(200)
    expect(await stored()).toMatch(expected)
    expect(await signIn(password)).toBe(200)
  })

  test('blanks that WordPress takes off sign in with and without, every time', async () => {
    const [, password = '', hash] = PUBLISHED.find(([name]) => name.startsWith('WordPress')) ?? []
    const { signIn, stored } = await moveIn(hash)
    for (const typed of [password, ` ${password} `, `${password}\n`, password])
      expect(await signIn(typed), JSON.stringify(typed)).toBe(200)
    expect(await stored()).toBe(hash)
  })

  test('a hash of an accent by itself is compared with it, and both forms sign in once it is ours', async () => {
    const composed = 'café au lait'.normalize('NFC')
    const { client, email, signIn, stored } = await moveIn(hashSync(composed.normalize('NFD'), 5))
    expectProblem(await client.login(email, composed), 'invalid_credentials')
    expect(await signIn(composed.normalize('NFD'))).toBe(200)
    expect(await stored()).toBe(OURS)
    expect(await signIn(composed.normalize('NFD'))).toBe(200)
    expect(await signIn(composed)).toBe(200)
  })
})

describe('files 2: what the systems that we name make by default', () => {
  const DJANGO_6 = 'pbkdf2_sha256$1200000$seasalt$6sTlFi4QohxXLuZigqDIUNX8xG9NxrTmV8+flFQdBqE='

  test.each<[string, string, () => string]>([
    ['Django 6.0', 'lètmein', () => DJANGO_6],
    ['OWASP’s PBKDF2-SHA-256', 'correct horse', () => pbkdf2('sha256', 600_000)],
    ['Keycloak 24’s PBKDF2-SHA-512', 'correct horse', () => pbkdf2('sha512', 210_000)],
    ['OWASP’s PBKDF2-SHA-1', 'correct horse', () => pbkdf2('sha1', 1_300_000)],
    ['bcrypt 14', 'correct horse', () => hashSync('correct horse', 14)],
  ])('signs in: %s', HASHES, async (_, password, hashOf) => {
    const { client, email, signIn, stored } = await moveIn(hashOf())
    expectProblem(await client.login(email, `${password}?`), 'invalid_credentials')
    expect(await signIn(password)).toBe(200)
    expect(await stored()).toBe(OURS)
  })

  test('is verified one at a time, and other people are served meanwhile', HASHES, async () => {
    const { client, email } = await moveIn(DJANGO_6)
    const { email: other, tokens } = await client.signUp()
    const order: string[] = []
    const note = async <T>(what: string, answer: Promise<T>): Promise<T> => {
      const answered = await answer
      order.push(what)
      return answered
    }
    const dear = [1, 2].map(() => note('dear', client.login(email, 'lètmein')))
    const [login, me] = await Promise.all([
      note('other', client.login(other)),
      note('other', client.me(tokens.access_token)),
    ])
    expect([login.status, me.status]).toEqual([200, 200])
    const answers = await Promise.all(dear)
    for (const answer of answers) if (answer.status !== 200) expectProblem(answer, 'overloaded')
    expect(answers.map(({ status }) => status)).toContain(200)
    expect(order.indexOf('dear')).toBe(2)
  })
})

function pbkdf2(digest: string, iterations: number): string {
  const salt = Buffer.from('a salt of bytes')
  const value = pbkdf2Sync('correct horse', salt, iterations, 64, digest)
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  return `$pbkdf2-${digest}$i=${iterations}$${base64(salt)}$${base64(value)}`
}
