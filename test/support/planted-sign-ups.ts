/**
 * Accounts that signed up a moment ago, each with its session, made by one statement: a sign-up over HTTP takes ten
 * times as long, and is the subject of few tests. The rows are those that the service writes, and so are the tokens:
 * test/passwords/planted-sign-up.test.ts holds them to those of a sign-up.
 */
import { argon2Sync, randomBytes, randomUUID } from 'node:crypto'
import { type CanonicalEmail, presentUser, userAsInserted } from '../../src/accounts/accounts.ts'
import { deriveKey, type Keyring, parseKeyring } from '../../src/crypto/keyring.ts'
import { formatPhc } from '../../src/crypto/phc.ts'
import type { PublicJwk, SigningKey } from '../../src/crypto/signing.ts'
import { clientOf, newId } from '../../src/events/outbox.ts'
import { priorityOf } from '../../src/events/priority.ts'
import { instant } from '../../src/http/answer.ts'
import { describeClient, parseAddress } from '../../src/http/client.ts'
import { openSigningKey } from '../../src/keys/sealed-key.ts'
import { hashRefreshToken, newRefreshToken } from '../../src/sessions/refresh-token.ts'
import { refreshSeconds } from '../../src/sessions/store.ts'
import { issueAccessToken } from '../../src/sessions/tokens.ts'
import { METHODS } from '../../src/sign-in/methods.ts'
import { needsFactor } from '../../src/sign-in/start.ts'
import { readTenant, type TenantRow } from '../../src/tenants/tenants.ts'
import type { Tokens } from './client.ts'
import { USER_AGENT } from './direct.ts'
import type { Service, TestTenant } from './service.ts'

type SignUp = { email: string; password: string; address: string }
type Stage = Pick<Service, 'sql' | 'bindings' | 'cf' | 'isHeard'>

/** The moment and the randomness that the service's own functions take. */
const ctx = () => ({ now: () => new Date(), random: (length: number) => new Uint8Array(randomBytes(length)) })

/** @returns null where a sign-up would begin no session, or would be heard of: that is for the service to say */
export async function plantSignUp(
  stage: Stage,
  { id: tenantId }: Pick<TestTenant, 'id'>,
  { email, password, address }: SignUp,
): Promise<Tokens | null> {
  if (stage.isHeard) return null
  const [found] = await stage.sql<TenantRow & SealedKey & { at: Date }>(FOUND, [tenantId])
  if (!found) return null
  const { at, kid, sealedPrivateJwk, publicJwk, ...row } = found
  const tenant = readTenant({ log: () => {} }, row)
  const { policy } = tenant
  const signsIn = policy.registration === 'sign-in-at-once' && !policy.turnstile_site_key
  if (!signsIn || needsFactor(policy, []) || password.length < policy.password_min_length) return null
  const keyring = parseKeyring(stage.bindings.AUTH_KEYS ?? '')
  const user = {
    id: newId(ctx()),
    tenantId,
    email: email as CanonicalEmail, // as `newEmail` makes them
    name: null,
    locale: null,
    awaitsProof: false,
  }
  const refreshToken = newRefreshToken(ctx().random)
  const refreshExpiresInSeconds = refreshSeconds(policy)
  const after = (seconds: number) => new Date(at.getTime() + seconds * 1000)
  const { amr, aal } = METHODS.password
  const session = {
    id: newId(ctx()),
    expiresAt: after(policy.session_absolute_seconds),
    authTime: at,
    amr,
    aal,
  }
  const { client, event } = callerOf(stage, address)
  const hash = await hashRefreshToken(keyring, refreshToken)
  const [planted] = await stage.sql<{ statusIndex: string }>(PLANTED, [
    user.id,
    tenantId,
    email,
    await hashOf(stage, keyring, password),
    keyring.map(({ keyId }) => keyId),
    session.id,
    at,
    session.expiresAt,
    after(refreshExpiresInSeconds),
    amr,
    aal,
    client.truncatedAddress,
    client.country,
    client.city,
    client.asnOrg,
    client.userAgent,
    newId(ctx()),
    Buffer.from(hash.hash),
    newId(ctx()),
    newId(ctx()),
    event,
    priorityOf('user.registered'),
    priorityOf('session.started'),
  ])
  if (!planted) return null
  const key = { ...(await openKey(stage, kid, sealedPrivateJwk)), publicJwk }
  const issued = {
    tenant,
    key,
    user: userAsInserted(user),
    session: { ...session, statusIndex: Number(planted.statusIndex) },
  }
  const { accessToken, expiresInSeconds } = await issueAccessToken(ctx(), issued)
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: expiresInSeconds,
    refresh_token: refreshToken,
    refresh_expires_in: refreshExpiresInSeconds,
    session: { id: session.id, expires_at: instant(session.expiresAt) },
    user: presentUser(issued.user) as Tokens['user'], // it has an address
  }
}

type SealedKey = { kid: string; sealedPrivateJwk: string; publicJwk: PublicJwk }

const FOUND = `
  select tenants.id, slug, tenants.name, issuer, allowed_origins as "allowedOrigins", settings, now() as at,
    kid, sealed_private_jwk as "sealedPrivateJwk", public_jwk as "publicJwk"
  from tenants join signing_keys on state = 'current' where tenants.id = $1`

const PLANTED = `
  with account as (
    insert into users (id, tenant_id, email) values ($1, $2, $3) returning *),
  stored as (
    insert into passwords (user_id, tenant_id, phc, key_id) select id, tenant_id, $4, ($5::text[])[1] from account),
  started as (
    insert into sessions (id, tenant_id, user_id, created_at, auth_time, expires_at, idle_expires_at, amr, aal,
      address, country, city, asn_org, user_agent, status_index)
    select $6, tenant_id, id, clock_timestamp(), $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, nextval('session_status')
    from account returning *),
  first_token as (
    insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, expires_at)
    select $17, tenant_id, id, $18, ($5::text[])[1], idle_expires_at from started),
  key_announced as (
    insert into auth_keys (key_id, in_use_since) select ($5::text[])[1], clock_timestamp()
    where (select bool_or(key_id = ($5::text[])[1] or key_id <> all($5)) from auth_keys where in_use_since is not null) is not true
    on conflict (key_id) do update set in_use_since = coalesce(auth_keys.in_use_since, excluded.in_use_since)),
  recorded as (
    insert into events (id, tenant_id, type, subject, actor, data, client, priority)
    select $19::uuid, tenant_id, 'user.registered', id, id, '{}'::jsonb, $21::jsonb, $22::smallint from account
    union all
    select $20::uuid, tenant_id, 'session.started', user_id, user_id,
      jsonb_build_object('session_id', id, 'amr', amr, 'new_device', false), $21::jsonb, $23::smallint from started)
  select status_index as "statusIndex" from started`

/** Who signs up as far as sessions and events tell. */
function callerOf({ cf }: Stage, address: string) {
  const facts = { country: cf.country, city: cf.city, asnOrg: cf.asOrganization }
  const client = describeClient(parseAddress(address), { ...facts, userAgent: USER_AGENT, vouchedBy: null })
  return { client, event: JSON.stringify(clientOf({ client, requestId: randomUUID() })) }
}

const hashes = new Map<string, string>()

/** As the service hashes it; once for all accounts that a service keeps under one key. */
async function hashOf({ bindings }: Stage, keyring: Keyring, password: string): Promise<string> {
  const { AUTH_KEYS, ARGON2_MEMORY_KIB = '19456', ARGON2_ITERATIONS = '2' } = bindings
  const name = JSON.stringify([AUTH_KEYS, ARGON2_MEMORY_KIB, ARGON2_ITERATIONS, password])
  const known = hashes.get(name)
  if (known !== undefined) return known
  const cost = { memoryKiB: Number(ARGON2_MEMORY_KIB), iterations: Number(ARGON2_ITERATIONS), parallelism: 1 }
  const { key: secret } = await deriveKey(keyring, 'password-pepper')
  const nonce = randomBytes(16)
  const { memoryKiB: memory, iterations: passes, parallelism } = cost
  const tag = argon2Sync('argon2id', {
    message: password,
    nonce,
    secret,
    memory,
    passes,
    parallelism,
    tagLength: 32,
  })
  const phc = formatPhc({ type: 'id', cost, salt: nonce, tag })
  hashes.set(name, phc)
  return phc
}

const opened = new Map<string, SigningKey>()

async function openKey({ bindings }: Stage, kid: string, sealed: string): Promise<SigningKey> {
  const key =
    opened.get(sealed) ?? (await openSigningKey(parseKeyring(bindings.SIGNING_SEAL_KEYS ?? ''), sealed, kid))
  opened.set(sealed, key)
  return key
}
