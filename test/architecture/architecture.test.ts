/** The structure of src/ (docs/architecture.md), held: each rule over all of src/, and each rule seen to fire on the mistake it is for. */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { OWNERS } from '../../ops/documents/owners.ts'
import { DECLARED } from '../../src/personal-data.ts'
import { importsPointOneWay } from './direction.ts'
import { purposesOf } from './key-purposes.ts'
import { EXCEPTIONS, oneOwnerPerTable, TABLES, writesOf } from './owners.ts'
import {
  librariesAtHome,
  middlewareWithoutStorage,
  noBackDoors,
  noFilledConstants,
  noModuleState,
  oneDoor,
  oneOperationPerRouteFile,
  onePagePerPageFile,
  type Rule,
  routesFromWorkersAlone,
  rowsAreRead,
} from './rules.ts'
import { descendants, parseSource, readSource } from './source.ts'

const source = readSource('src')

type Mistake = [code: string, path?: string]

const rules: { title: string; rule: Rule; mistakes: Mistake[]; fine: Mistake[] }[] = [
  {
    title: 'nothing at module level outlives a request',
    rule: noModuleState,
    mistakes: [
      ['let count = 0'],
      ['export let db'],
      ['const seen = new Map<string, number>()'],
      ['const known = { users: new Set() }'],
      ['const cache = {}'],
      ['const queue: string[] = []'],
      ['export const weak = new WeakMap()'],
      ['const redis = new Redis({ url, token })'],
      ['const db = drizzle({ client: neon(url) })'],
      ['const db = createDatabase(url, trips)'],
      ['const keys = await load()'],
      ['const lookup = (() => { const all = new Map(); return all })()'],
      ['const engine = createArgon2()', 'src/passwords/passwords.ts'],
      ['const settingsOf = createSettingsReader()', 'src/context.ts'],
    ],
    fine: [
      ['function seen() { let count = 0; return new Map() }'],
      ['const make = () => new Redis({ url })'],
      ['const limits = { login: { rate: 1 } } // let x = new Map()'],
      ['const engine = createArgon2()', 'src/crypto/argon2.ts'],
      ['const settingsOf = createSettingsReader()', 'src/settings.ts'],
      ['type Cache = Map<string, string>'],
    ],
  },
  {
    title: 'no constant is changed',
    rule: noFilledConstants,
    mistakes: [
      ['const cache: Record<string, string> = { a: "" }\nexport function keep(k: string) { cache[k] = k }'],
      ['export const list = [1]\nconst add = () => list.push(2)'],
    ],
    fine: [
      ['const list = [1]\nexport const copy = () => { const mine = [...list]; mine.push(2); return mine }'],
    ],
  },
  {
    title: 'no back door: no process, no Math.random, no forwarded address, no branch for tests',
    rule: noBackDoors,
    mistakes: [
      ['const mode = () => process.env.MODE'],
      ['const mode = (env: Env) => env.NODE_ENV'],
      ['const id = () => Math.random()'],
      ["const ip = (h: Headers) => h.get('X-Forwarded-For')"],
      ["const ip = (h: Headers) => h.get('x-real-ip')"],
      ['export function f(test: boolean) { if (test) return 1; return 2 }'],
      ["const cost = (e: string) => (e === 'test' ? 1 : 2)"],
      ['const cost = (o: { isTest: boolean }) => (o.isTest ? 1 : 2)'],
    ],
    fine: [
      [
        "// process.env and X-Forwarded-For are never read\nconst ok = (s: string) => (/a/.test(s) ? 'attest' : '')",
      ],
    ],
  },
  {
    title: 'a library is imported where it belongs',
    rule: librariesAtHome,
    mistakes: [
      ["import { sql } from 'drizzle-orm'", 'src/sessions/refresh.route.ts'],
      ["import { sql } from 'drizzle-orm'", 'src/sessions/sessions.ts'],
      ["import { neon } from '@neondatabase/serverless'", 'src/sessions/store.ts'],
      ["import { Redis } from '@upstash/redis/cloudflare'", 'src/limits/limits.ts'],
      ["import { argon2id } from 'hash-wasm'", 'src/crypto/argon2.ts'],
      ["import { createHash } from 'node:crypto'", 'src/crypto/hmac.ts'],
    ],
    fine: [
      ["import { sql } from 'drizzle-orm'", 'src/sessions/store.ts'],
      ["import type { BatchItem } from 'drizzle-orm/batch'", 'src/guard/caller.ts'],
    ],
  },
  {
    title: 'imports point one way',
    rule: importsPointOneWay,
    mistakes: [
      ["import { login } from '../passwords/sign-in.ts'", 'src/sign-in/start.ts'],
      ["import type { Mail } from '../mail/mail.ts'", 'src/addresses/email.ts'],
      ["export { x } from '../webhooks/store.ts'", 'src/audit/list-store.ts'],
      ["import { requireTenant } from '../tenants/tenants.ts'", 'src/events/outbox.ts'],
      ["import { checkLimits } from '../limits/check.ts'", 'src/http/input.ts'],
      ["import { readBody } from '../http/body.ts'", 'src/crypto/hmac.ts'],
      ["import { recordEvent } from '../events/outbox.ts'", 'src/limits/check.ts'],
      ["import { findUser } from '../accounts/store.ts'", 'src/health/store.ts'],
      ["import { listKeys } from '../keys/store.ts'", 'src/tenants/store.ts'],
      ["import { createApp } from '../app.ts'", 'src/webhooks/store.ts'],
      ["import { session } from '../workers/session.ts'", 'src/pages/pages.ts'],
      ["import { readyz } from '../health/readyz.route.ts'", 'src/passwords/sign-in.ts'],
      ["import { x } from '../not-listed/x.ts'", 'src/passwords/sign-in.ts'],
      ["import { passwords } from './passwords/store.ts'", 'src/context.ts'],
      ["import { seed } from '../../dev/seed.ts'", 'src/passwords/sign-in.ts'],
      ["import { seed } from '../dev/seed.ts'", 'src/index.ts'],
      ["import { signIn } from './passwords/sign-in.ts'", 'src/personal-data.ts'],
      ["import { SECTIONS } from '../personal-data.ts'", 'src/accounts/personal-data.ts'],
    ],
    fine: [
      ["import { callerOf } from '../guard/caller-store.ts'", 'src/webhooks/store.ts'],
      ["import { signIn } from '../passwords/sign-in.ts'", 'src/pages/pages.ts'],
      ["import type { Context } from '../context.ts'", 'src/crypto/hmac.ts'],
      ["import { createRedis } from './storage/redis.ts'", 'src/index.ts'],
      ["import { mailerData } from './mailer/personal-data.ts'", 'src/personal-data.ts'],
      ["import { CREDENTIALS } from '../personal-data.ts'", 'src/access/store.ts'],
      ["import { sql } from 'drizzle-orm'", 'src/sessions/store.ts'],
    ],
  },
  {
    title: 'a session begins, and is authenticated anew, at one door',
    rule: oneDoor,
    mistakes: [
      ['const a = sql`insert into sessions (id) values (1)`', 'src/passwords/store.ts'],
      ['const a = sql`update sessions set last_used_at = now(), auth_time = now()`', 'src/guard/store.ts'],
      ['const a = sql`update sessions set aal = 2`', 'src/sessions/store.ts'],
      ['const a = (db) => db.insert(sessions).values({ id })', 'src/passwords/store.ts'],
    ],
    fine: [
      ['const a = sql`insert into sessions (id, auth_time) values (1)`', 'src/sign-in/start-store.ts'],
      ['const a = sql`select auth_time, aal from sessions where auth_time > now()`', 'src/sessions/store.ts'],
    ],
  },
  {
    title: 'each table is written in the folder of its owner',
    rule: oneOwnerPerTable,
    mistakes: [
      ['const a = sql`insert into users (id) values (1)`', 'src/passwords/store.ts'],
      ['const a = sql`with b as (update users set name = 1)`', 'src/guard/store.ts'],
      [`const a = sql\`\${b}, c as (delete from one_time_tokens)\``, 'src/guard/store.ts'],
      ['const a = sql`delete from passwords`', 'src/access/store.ts'],
      ['const a = sql.raw(`insert into "audit_heads" values (1)`)', 'src/me/store.ts'],
      ['const a = (db) => db.delete(mails).where(b)', 'src/guard/store.ts'],
      [`const a = (table) => sql\`delete from \${table}\``, 'src/guard/store.ts'],
    ],
    fine: [
      ['const a = sql`update users set name = 1`', 'src/accounts/store.ts'],
      ['const a = sql`select from users for no key update of users`', 'src/me/store.ts'],
      [`const a = sql\`select from \${b} for update of \${b} skip locked\``, 'src/me/store.ts'],
      ['const a = (known) => known.delete(entry)', 'src/me/store.ts'],
    ],
  },
  {
    title: 'house 3: no type asserts what a row of hand-written SQL holds',
    rule: rowsAreRead,
    mistakes: [
      ['const a = ({ db }) => db.execute<{ id: string }>(sql`select id from users`)', 'src/me/self-store.ts'],
      ['const a = (ctx) => ctx.auditDb.execute<Row>(statement)', 'src/audit/audit-store.ts'],
    ],
    fine: [
      ['const a = (db: Database) => db.execute(sql`delete from mails`)', 'src/mailer/store.ts'],
      [
        'const a = (db: Database) => rowsOf(db, { id: v.string() })(sql`select id from users`)',
        'src/me/self-store.ts',
      ],
    ],
  },
  {
    title: 'middleware imports no storage client',
    rule: middlewareWithoutStorage,
    mistakes: [
      ["import { createRedis } from './storage/redis.ts'", 'src/app.ts'],
      ["import { users } from '../storage/schema.ts'", 'src/http/bearer.ts'],
      ["export { sql } from 'drizzle-orm'", 'src/http/query.ts'],
    ],
    fine: [["import type { Context } from '../context.ts'", 'src/http/origin.ts']],
  },
  {
    title: 'only Workers import route files, and no import leaves src/ to come back',
    rule: routesFromWorkersAlone,
    mistakes: [
      ["import { login } from '../passwords/login.route.ts'", 'src/sessions/sessions.ts'],
      ["import { p } from '../pages/p.page.ts'", 'src/sessions/sessions.ts'],
      ["import { x } from '../../src/passwords/store.ts'", 'src/sessions/sessions.ts'],
    ],
    fine: [["import { login } from '../passwords/login.route.ts'", 'src/workers/password.ts']],
  },
  {
    title: 'a route file is one operation',
    rule: oneOperationPerRouteFile,
    mistakes: [
      ["export const a = new Hono<Env>().get('/a', h)", 'src/x/a.route.ts'],
      ["export const a = operation({ id: 'b', path: '/a' }, h)", 'src/x/a.route.ts'],
      ["export const readMe = operation({ id: 'readMe' }, h)", 'src/x/read.route.ts'],
      ["export const a = operation({ id: 'a' }, h)\nexport const b = 1", 'src/x/a.route.ts'],
      ["export default operation({ id: 'a' }, h)", 'src/x/a.route.ts'],
      ['export const a = 1', 'src/x/a.route.ts'],
    ],
    fine: [
      [
        "export type A = string\nexport const readMe = operation({ id: 'readMe' }, h)",
        'src/x/read-me.route.ts',
      ],
      ['export const a = 1', 'src/x/a.ts'],
    ],
  },
  {
    title: 'a page file is one page',
    rule: onePagePerPageFile,
    mistakes: [
      ["export const signInPage = page('resetPage', p)", 'src/x/sign-in.page.ts'],
      ["export const signInPage = page('signInPage', p)", 'src/x/sign.page.ts'],
      ["export const aPage = page('aPage', p)\nexport const b = 1", 'src/x/a.page.ts'],
      ["export const aPage = operation({ id: 'aPage' }, h)", 'src/x/a.page.ts'],
    ],
    fine: [
      ["export const signInPage = page('signInPage', { show, take })", 'src/x/sign-in.page.ts'],
      ["export const aPage = hostedPage('aPage', { load, take })", 'src/x/a.page.ts'],
    ],
  },
]

describe.each(rules)('$title', ({ rule, mistakes, fine }) => {
  test('in all of src/', () => {
    const wrong = source.flatMap((file) => rule(file).map((what) => `${file.path}: ${what}`))
    expect(wrong).toEqual([])
  })

  test.each(mistakes)('fires on: %s', (code, path = 'src/x/x.ts') => {
    expect(rule(parseSource(path, code))).not.toEqual([])
  })

  test.each(fine)('leaves alone: %s', (code, path = 'src/x/x.ts') => {
    expect(rule(parseSource(path, code))).toEqual([])
  })
})

test('every table of the schema has an owner, whose personal-data.ts is gathered', () => {
  expect(TABLES.filter((table) => !(table in OWNERS))).toEqual([])
  expect(DECLARED.map(([table]) => table).toSorted()).toEqual(Object.keys(OWNERS).toSorted())
})

test('every exception is one that is needed', () => {
  const made = source.flatMap(({ path, body }) =>
    [...descendants(body)]
      .flatMap(writesOf)
      .map(({ verb, table }) => `${path.split('/')[1]} ${verb} ${table}`),
  )
  const allowed = EXCEPTIONS.flatMap(({ folder, verbs, tables }) =>
    verbs.flatMap((verb) => tables.map((table) => `${folder} ${verb} ${table}`)),
  )
  expect(allowed.filter((one) => !made.includes(one))).toEqual([])
})

describe('house 5: a purpose that keys are derived for', () => {
  const folders = new Map<string, Set<string>>()
  for (const file of source) {
    const [, folder = ''] = file.path.split('/')
    for (const purpose of purposesOf(file))
      folders.set(purpose, (folders.get(purpose) ?? new Set()).add(folder))
  }

  test('is named in one folder, and in crypto/ none is', () => {
    expect(folders.size).toBeGreaterThan(14)
    const shared = [...folders].filter(([, named]) => named.size > 1 || named.has('crypto'))
    expect(shared.map(([purpose, named]) => `${purpose}: ${[...named].join(', ')}`)).toEqual([])
  })

  test.each([
    ["import { deriveKey } from '../crypto/keyring.ts'\nconst a = () => deriveKey(ring, 'cursor')", 'cursor'],
    [
      "import { seal } from '../crypto/sealing.ts'\nconst P = 'seal:x'\nconst a = () => seal(ring, P, text)",
      'seal:x',
    ],
    [
      "import { deriveAll } from '../crypto/keyring.ts'\nconst a = () => deriveAll(ring, `cookie:$".concat(
        '{NAME}`)',
      ),
      'cookie:$'.concat('{NAME}'),
    ],
  ])('is found in: %s', (code, purpose) => {
    expect(purposesOf(parseSource('src/x/x.ts', code))).toEqual([purpose])
  })
})

test('the rules look at every file of src/', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.d)\.tsx?$/.test(file),
  )
  expect(source).toHaveLength(files.length)
  expect(source.length).toBeGreaterThan(30)
})
