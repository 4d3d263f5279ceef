/** Who calls in the tests of faults, and how what they did is looked up: accounts planted in a tenant of the stage. */
import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import type { ProblemCode } from '../../src/problem.ts'
import { hashRefreshToken, newRefreshToken } from '../../src/sessions/refresh-token.ts'
import {
  type Account,
  type Answer,
  type Client,
  createClient,
  makeAdmin,
  newEmail,
} from '../support/client.ts'
import type { Backend, Service, TestTenant } from '../support/service.ts'

/** Who prepares (`patient`) and who is asked (`hurried`), on one backend; `model` is an account of the tenant. */
export type Stage = { patient: Service; hurried: Service; tenant: TestTenant; model: Account }

/** @param patient has no deadline to miss while it prepares */
export async function prepareStage(patient: Service, hurried: Service): Promise<Stage> {
  const tenant = await patient.newTenant()
  const model = await createClient(patient, tenant).signUp()
  // Leaves at the hurried one's edge what verifies a token, so that a write by bearer token is one statement alone.
  await createClient(hurried, tenant).me(model.tokens.access_token)
  return { patient, hurried, tenant, model }
}

/** One call that has not been made yet. */
export type Attempt = {
  call(): Promise<Answer<unknown>>
  /** What success looks like; without `cookie` it sets none. */
  success: { status: number; body?: unknown; cookie?: RegExp }
  /** What its effect consists of, each part as the database has it now; empty for a call that only reads. */
  facts(): Promise<Record<string, boolean>>
}

export type FaultedOperation = {
  title: string
  /** Whether it writes to PostgreSQL: if not, it succeeds on one that only reads. */
  writes: boolean
  /** Whether a call that took effect may be made again, and succeeds again. */
  repeats: boolean
  /** Whether its answer is at the edge before the fault begins. */
  isKept: boolean
  /** Whether it reports failures in a body of its own, as /readyz does, instead of as a problem. */
  reports: boolean
  /** Whether its failures are pages. */
  isPage?: true
  /** What it answers when Redis has lost what it answers. */
  lost?: ProblemCode
  prepare(stage: Stage): Promise<Attempt>
}

export type Transport = 'token' | 'cookie'

export const writing = { writes: true, repeats: true, isKept: false, reports: false }
export const reading = { ...writing, writes: false }

export const factsOfReading = async () => ({})

/** One row of booleans: an expression for each fact. */
export async function askFacts(
  { sql }: Pick<Backend, 'sql'>,
  facts: Record<string, string>,
  values: unknown[],
) {
  const columns = Object.entries(facts).map(([name, expression]) => `${expression} as "${name}"`)
  const [row] = await sql<Record<string, boolean>>(`select ${columns.join(', ')}`, values)
  return row ?? {}
}

type Caller = { client: Client; email: string; userId: string; sessionId: string; refreshToken: string }

/**
 * An account of its own with one session, and a client that asks the hurried service. Planted, because a sign-up would
 * hash: its password is that of the model.
 */
export async function newCaller({ patient, hurried, tenant, model }: Stage): Promise<Caller> {
  const keyring = parseKeyring(patient.bindings.AUTH_KEYS ?? '')
  const refreshToken = newRefreshToken((length) => randomBytes(length))
  const { hash, keyId } = await hashRefreshToken(keyring, refreshToken)
  const [email, userId, sessionId] = [newEmail(), randomUUID(), randomUUID()]
  await patient.sql(
    `with account as (
       insert into users (id, tenant_id, email) values ($1, $2, $3) returning id, tenant_id),
     password as (
       insert into passwords (user_id, tenant_id, phc, key_id)
       select account.id, account.tenant_id, phc, key_id from passwords, account where user_id = $4),
     session as (
       insert into sessions (id, tenant_id, user_id, expires_at, idle_expires_at, amr, aal)
       select $5, tenant_id, id, now() + interval '1 hour', now() + interval '1 hour', '{pwd}', 1 from account
       returning id, tenant_id, expires_at)
     insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, expires_at)
     select gen_random_uuid(), tenant_id, id, $6, $7, expires_at from session`,
    [userId, tenant.id, email, model.tokens.user.id, sessionId, Buffer.from(hash), keyId],
  )
  return { client: createClient(hurried, tenant), email, userId, sessionId, refreshToken }
}

/** The same with tokens, so its session has been refreshed once. */
export async function newBearer(stage: Stage) {
  const { client, refreshToken } = await newCaller(stage)
  const { status, body: tokens } = await createClient(stage.patient, stage.tenant).refresh(refreshToken)
  if (status !== 200) throw new Error(`the planted session answered ${status}: ${JSON.stringify(tokens)}`)
  return { client, tokens }
}

/** What a browser sends with a request from our own page. */
export const browser = { 'sec-fetch-site': 'same-origin' }
export const inCookie = (refreshToken: string) => ({ ...browser, cookie: `__Host-latchkey=${refreshToken}` })

/** Where the tokens are: all of them in the body, or the refresh token in the cookie alone. */
export function tokensIn(transport: Transport) {
  const access = { access_token: expect.stringMatching(/^eyJ/) }
  return transport === 'cookie'
    ? { body: access, cookie: /^__Host-latchkey=lkr_/ }
    : { body: { ...access, refresh_token: expect.stringMatching(/^lkr_/) } }
}

/** The same, and an administrator whose tenant has an endpoint and a dead delivery, both under the session's id. */
export async function newAdmin(stage: Stage) {
  const { client, tokens } = await newBearer(stage)
  await makeAdmin(stage.patient, stage.tenant, tokens)
  return { client, tokens }
}
