/** Hashes as other systems make them, by Node's own crypto and by libraries that are not ours; and who imports them. */
import { argon2Sync, createCipheriv, pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto'
import { hashSync } from 'bcryptjs'
import { type Answer, type CallOptions, type Client, newClient } from './client.ts'
import type { Service, TenantOptions } from './service.ts'

const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')

/** What `hash_config` of a Firebase project says. */
export const FIREBASE_CONFIG = {
  base64_signer_key:
    'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
  base64_salt_separator: 'Bw==',
  rounds: 8,
  mem_cost: 14,
}

/** What Firebase would export of someone with this password. */
export function firebaseUser(password: string) {
  const salt = randomBytes(10)
  const salted = Buffer.concat([salt, Buffer.from(FIREBASE_CONFIG.base64_salt_separator, 'base64')])
  const key = scryptSync(password, salted, 32, {
    N: 2 ** FIREBASE_CONFIG.mem_cost,
    r: FIREBASE_CONFIG.rounds,
    p: 1,
  })
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const hash = cipher.update(Buffer.from(FIREBASE_CONFIG.base64_signer_key, 'base64'))
  return { algorithm: 'firebase-scrypt', hash: hash.toString('base64url'), salt: salt.toString('base64url') }
}

/** Every kind of hash that an import takes, of one password. */
export const HASHES: Record<string, (password: string) => unknown> = {
  argon2id: (password) => argon2('argon2id', password, 'm=8192,t=1,p=2'),
  'argon2i, parameters in another order': (password) => argon2('argon2i', password, 't=1,p=2,m=8192'),
  argon2d: (password) => argon2('argon2d', password, 'm=8192,p=2,t=1'),
  bcrypt: (password) => hashSync(password, 5),
  scrypt: (password) => {
    const salt = randomBytes(16)
    return `$scrypt$ln=12,r=8,p=1$${base64(salt)}$${base64(scryptSync(password, salt, 32, { N: 4096, r: 8, p: 1 }))}`
  },
  'PBKDF2-SHA-256': (password) => pbkdf2(password, 'sha256', 32),
  'PBKDF2-SHA-512': (password) => pbkdf2(password, 'sha512', 64),
  'Django’s PBKDF2': (password) =>
    `pbkdf2_sha256$20000$lpBmZrBNB7xs$${pbkdf2Sync(password, 'lpBmZrBNB7xs', 20_000, 32, 'sha256').toString('base64')}`,
  Firebase: (password) => ({ ...firebaseUser(password), ...FIREBASE_CONFIG }),
}

function pbkdf2(password: string, digest: string, length: number): string {
  const salt = randomBytes(16)
  return `$pbkdf2-${digest}$i=2000$${base64(salt)}$${base64(pbkdf2Sync(password, salt, 2000, length, digest))}`
}

function argon2(algorithm: 'argon2id' | 'argon2i' | 'argon2d', password: string, parameters: string): string {
  const nonce = randomBytes(16)
  const cost = { parallelism: 2, tagLength: 32, memory: 8192, passes: 1 }
  const tag = argon2Sync(algorithm, { message: password, nonce, ...cost })
  return `$${algorithm}$v=19$${parameters}$${base64(nonce)}$${base64(tag)}`
}

/** One that is quickly made, for tests that are not about hashes. */
export const BCRYPT = '$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2'
export const BCRYPT_PASSWORD = 'correct horse'

export type Result = {
  index: number
  status: string
  id?: string
  code?: string
  pointer?: string
  warnings?: { pointer: string; code: string }[]
}

export const IMPORT_PATH = '/v1/admin/users/import'

export async function newImporter(service: Service, options?: TenantOptions) {
  const client = await newClient(service, options)
  const { tokens } = await client.newAdmin()
  const send = (users: unknown, call: CallOptions = {}): Promise<Answer<{ results: Result[] }>> =>
    client.call(IMPORT_PATH, { bearer: tokens.access_token, json: { users }, ...call })
  return { client, tokens, send }
}

export type StoredPassword = { phc: string; key_id: string }

/** What is stored of the account with that address; null without a password. */
export async function storedPassword(
  service: Service,
  { tenant }: Client,
  email: string,
): Promise<StoredPassword | null> {
  const [row] = await service.sql<StoredPassword>(
    `select phc, key_id from passwords join users on users.id = passwords.user_id
     where users.tenant_id = $1 and email = $2`,
    [tenant.id, email],
  )
  return row ?? null
}

/** How many accounts the tenant has with that address. */
export async function countAccounts(service: Service, { tenant }: Client, emails: string[]): Promise<number> {
  const [row] = await service.sql<{ count: number }>(
    'select count(*)::int from users where tenant_id = $1 and email = any($2)',
    [tenant.id, emails],
  )
  return row?.count ?? 0
}

/** `user.imported`, as the outbox has it. */
export const importedEvents = (service: Service, { tenant }: Client) =>
  service.sql<{ id: string; subject: string; actor: string | null; data: object; client: object | null }>(
    `select id, subject, actor, data, client from events where tenant_id = $1 and type = 'user.imported' order by id`,
    [tenant.id],
  )
