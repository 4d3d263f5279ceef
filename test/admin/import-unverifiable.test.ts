/** People whose hash nothing here can verify: they arrive without a password, and a reset by mail sets the first. */
import { expect, test } from 'vitest'
import { importUsers, type LineReport } from '../../ops/import.ts'
import { summarise } from '../../ops/import-summary.ts'
import { newEmail } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { FIREBASE_CONFIG, firebaseUser, newImporter, storedPassword } from '../support/import-users.ts'
import { mailedToken } from '../support/mailed.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const TAG = 'A'.repeat(43)

const UNVERIFIABLE: [what: string, hash: unknown, code: string][] = [
  ['phpass', '$P$BsSozX7pxy0bajB//ff34WOg4vN9OI/', 'hash_not_supported'],
  ['MD5', '5f4dcc3b5aa765d61d8327deb882cf99', 'hash_not_supported'],
  ['Django’s SHA-1', 'sha1$seasalt$cff36ea83f5706ce9aa7454e63e431fc726b2dc8', 'hash_not_supported'],
  ['LDAP', '{SSHA}JFZFs0oHzxbMwkSJmYVeI8MnTDy/276a', 'hash_not_supported'],
  ['Ory’s Argon2 with 128 MiB', `$argon2id$v=19$m=131072,t=1,p=1$c2FsdHNhbHQ$${TAG}`, 'hash_too_costly'],
  ['bcrypt 15', '$2b$15$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2', 'hash_too_costly'],
  [
    'Firebase with too much memory',
    { ...firebaseUser('x'), ...FIREBASE_CONFIG, mem_cost: 17 },
    'hash_too_costly',
  ],
]

test.each(UNVERIFIABLE)(
  'files 2: an account with a hash of %s arrives without it, and a reset lets its owner in',
  async (_, password_hash, code) => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const [result] = (await send([{ email, email_verified: true, password_hash }])).body.results
    expect(result).toMatchObject({ status: 'created', warnings: [{ pointer: '/password_hash', code }] })
    expect(await storedPassword(service(), client, email)).toBeNull()
    expectProblem(await client.login(email, 'password'), 'invalid_credentials')

    await client.call('/v1/password/forgot', { json: { email } })
    const { token } = await mailedToken(service(), 'reset_password', result?.id ?? '')
    const chosen = 'another battery staple'
    expect((await client.call('/v1/password/reset', { json: { token, password: chosen } })).status).toBe(204)
    expect((await client.login(email, chosen)).status).toBe(200)
  },
)

test('files 2: an import counts those that arrive without a password, and why', async () => {
  const { client } = await newImporter(service())
  const lines = UNVERIFIABLE.map(([, password_hash]) => JSON.stringify({ email: newEmail(), password_hash }))
  async function* file() {
    yield Buffer.from(lines.join('\n'))
  }
  const reports: LineReport[] = []
  const into = { tenantId: client.tenant.id, rpId: 'localhost', firebase: null }
  const tally = await importUsers(service().operator, into, file(), (report) => reports.push(report))
  expect(reports.map(({ status }) => status)).toEqual(lines.map(() => 'created'))
  const summary = summarise(tally, null)
  expect(summary).toContain(`${lines.length} without a password`)
  expect(summary).toContain('4 × hash_not_supported /password_hash (first on line 1)')
  expect(summary).toContain('3 × hash_too_costly /password_hash (first on line 5)')
})
