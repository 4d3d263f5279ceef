/**
 * better-auth on Workers as its docs say: Drizzle over Neon HTTP, limits counted in the database, so that isolates share them. With the
 * binding HASH = "argon2id" it hashes with the same function and cost as ours (its option `password`); with TUNED = "yes" its sessions
 * and limits are in Redis (`secondaryStorage`), and a cookie answers for a session that Redis need not be asked about. Copied into the peers' folder
 * to be built, one folder below the checkout as here, so that it finds them there, and ours by the same paths.
 */
import { neon, neonConfig } from '@neondatabase/serverless'
import { Redis } from '@upstash/redis'
import { betterAuth } from 'better-auth'
import { drizzleAdapter } from 'better-auth/adapters/drizzle'
import { jwt } from 'better-auth/plugins'
import { drizzle } from 'drizzle-orm/neon-http'
import { bigint, boolean, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { DEFAULT_COST, hashPassword, verifyPassword } from '../../src/crypto/password-hash.ts'

neonConfig.fetchEndpoint = (host, port) => `http://${host}:${port}/sql`

const id = () => text('id').primaryKey()
const time = (name) => timestamp(name, { withTimezone: true })
const created = { createdAt: time('createdAt').notNull(), updatedAt: time('updatedAt') }
const schema = {
  user: pgTable('user', {
    id: id(),
    name: text('name').notNull(),
    email: text('email').notNull(),
    emailVerified: boolean('emailVerified').notNull(),
    image: text('image'),
    ...created,
  }),
  session: pgTable('session', {
    id: id(),
    expiresAt: time('expiresAt').notNull(),
    token: text('token').notNull(),
    ipAddress: text('ipAddress'),
    userAgent: text('userAgent'),
    userId: text('userId').notNull(),
    ...created,
  }),
  account: pgTable('account', {
    id: id(),
    accountId: text('accountId').notNull(),
    providerId: text('providerId').notNull(),
    userId: text('userId').notNull(),
    accessToken: text('accessToken'),
    refreshToken: text('refreshToken'),
    idToken: text('idToken'),
    accessTokenExpiresAt: time('accessTokenExpiresAt'),
    refreshTokenExpiresAt: time('refreshTokenExpiresAt'),
    scope: text('scope'),
    password: text('password'),
    ...created,
  }),
  verification: pgTable('verification', {
    id: id(),
    identifier: text('identifier').notNull(),
    value: text('value').notNull(),
    expiresAt: time('expiresAt').notNull(),
    ...created,
  }),
  rateLimit: pgTable('rateLimit', {
    id: id(),
    key: text('key').notNull(),
    count: integer('count').notNull(),
    lastRequest: bigint('lastRequest', { mode: 'number' }).notNull(),
  }),
  jwks: pgTable('jwks', {
    id: id(),
    publicKey: text('publicKey').notNull(),
    privateKey: text('privateKey').notNull(),
    createdAt: time('createdAt').notNull(),
    expiresAt: time('expiresAt'),
    alg: text('alg'),
    crv: text('crv'),
  }),
}

const pepper = { keyId: 'k1', key: new Uint8Array(32) }
const random = (bytes) => crypto.getRandomValues(new Uint8Array(bytes))
const argon2id = {
  hash: async (password) => hashPassword(password, { cost: DEFAULT_COST, pepper, random }).phc,
  verify: async ({ hash, password }) => verifyPassword(password, hash, pepper.key),
}

const PATIENT = { window: 60, max: 1_000_000 }

function redisStorage({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token }) {
  const redis = new Redis({ url, token, enableTelemetry: false, automaticDeserialization: false })
  return {
    get: (key) => redis.get(key),
    set: (key, value, ttl) => redis.set(key, value, ttl ? { ex: ttl } : undefined),
    delete: (key) => redis.del(key),
    getAndDelete: (key) => redis.getdel(key),
    // In one trip.
    async increment(key, ttl) {
      const [, count] = await redis.multi().set(key, '0', { ex: ttl, nx: true }).incr(key).exec()
      return Number(count)
    },
  }
}

const createAuth = ({ DATABASE_URL, HASH, TUNED, ORIGIN, ...redis }) =>
  betterAuth({
    baseURL: ORIGIN,
    secret: 'a secret of the benchmark, which no one else has',
    database: drizzleAdapter(drizzle({ client: neon(DATABASE_URL), schema }), { provider: 'pg', schema }),
    emailAndPassword: { enabled: true, ...(HASH === 'argon2id' && { password: argon2id }) },
    rateLimit: {
      enabled: true,
      storage: TUNED ? 'secondary-storage' : 'database',
      ...PATIENT,
      customRules: { '/sign-*/**': PATIENT },
    },
    ...(TUNED && {
      secondaryStorage: redisStorage(redis),
      session: { cookieCache: { enabled: true, maxAge: 300 } },
    }),
    advanced: { ipAddress: { ipAddressHeaders: ['cf-connecting-ip'] } },
    telemetry: { enabled: false },
    plugins: [jwt()],
  })

// Neon's driver holds no connection, so that one does for an isolate's life.
let auth
export default {
  fetch(request, bindings) {
    auth ??= createAuth(bindings)
    return auth.handler(request)
  },
}
