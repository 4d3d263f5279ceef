/**
 * FINDINGS F20 and F21: every route × every failure that a caller can meet answers status and code of one family, as
 * the catalogue in src/problem.ts has them, and no fault of ours ever looks like a problem of the caller's sign-in.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/limits/limits.ts'
import type { ProblemCode } from '../../src/problem.ts'
import { newClient } from '../support/client.ts'
import { expectProblem, statusOf } from '../support/expect.ts'
import { rowOf } from '../support/limit-rows.ts'
import { OPERATIONS } from '../support/operations.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

afterEach(() => {
  service().gates.postgres.set('open')
  service().gates.redis.set('open')
})

const ROUTES = [...OPERATIONS.map((operation) => [operation.name, operation] as const)]

describe.each(ROUTES)('%s', (_, operation) => {
  test('is not_found on a path beside it', async () => {
    const client = await newClient(service())
    const { path, method } = operation
    const beside = [`${path}/x/y`, `/${path}`, path.toUpperCase(), `/v2${path}`]
    const id = path.replace(/[^/]+$/, ':id')
    // Elsewhere part of an id.
    if (!OPERATIONS.some((one) => one.path === id)) beside.push(`${path};x`, `${path}%00`)
    for (const other of beside) expectProblem(await client.call(other, { method }), 'not_found')
  })

  test('is method_not_allowed for a method that it does not take', async () => {
    const client = await newClient(service())
    expectProblem(await client.call(operation.path, { method: 'PUT' }), 'method_not_allowed')
  })

  test('is upstream_unavailable while PostgreSQL is down, for a caller whose token is good', async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAdmin()
    service().gates.postgres.set('refusing')
    expectProblem(await operation.call(client, tokens), 'upstream_unavailable')
  })

  const isClosed = LIMITS[rowOf(operation.name)].withoutRedis === 'closed'
  const does = isClosed ? 'is upstream_unavailable' : 'succeeds as ever'
  test.each(['refusing', 'error-500', 'cut'] as const)(`${does} while Redis is %s`, async (mode) => {
    const client = await newClient(service())
    const { tokens } = await client.newAdmin()
    service().gates.redis.set(mode)
    const answer = await operation.call(client, tokens)
    if (isClosed) expectProblem(answer, 'upstream_unavailable')
    else expect(answer.status).toBeLessThan(400)
  })
})

describe('the catalogue', () => {
  const FAMILIES: Record<ProblemCode, number> = {
    invalid_json: 400,
    invalid_request: 400,
    invalid_one_time_token: 400,
    invalid_oauth_state: 400,
    missing_token: 401,
    invalid_token: 401,
    invalid_credentials: 401,
    invalid_grant: 401,
    invalid_code: 401,
    invalid_passkey: 401,
    no_session: 401,
    insufficient_user_authentication: 401,
    origin_not_allowed: 403,
    form_expired: 403,
    invalid_caller: 403,
    too_many_api_keys: 409,
    password_disabled: 403,
    second_factor_required: 403,
    second_factor_disabled: 403,
    trusted_devices_off: 403,
    turnstile_failed: 403,
    second_factors_off: 403,
    email_not_verified: 403,
    no_second_factor: 409,
    invalid_mfa_token: 401,
    insufficient_role: 403,
    insufficient_scope: 403,
    api_key_not_accepted: 403,
    not_found: 404,
    method_not_allowed: 405,
    email_taken: 409,
    external_id_taken: 409,
    webhook_disabled: 409,
    too_many_webhooks: 409,
    own_account: 409,
    last_administrator: 409,
    account_closed: 409,
    impersonated: 403,
    impersonation_refused: 403,
    account_open: 409,
    account_disabled: 409,
    account_not_verified: 409,
    too_many_roles: 409,
    passkey_exists: 409,
    passkey_is_second_factor: 409,
    too_many_passkeys: 409,
    last_way_in: 409,
    provider_exists: 409,
    too_many_providers: 409,
    idempotency_key_in_use: 409,
    payload_too_large: 413,
    unsupported_media_type: 415,
    unknown_host: 421,
    invalid_input: 422,
    password_compromised: 422,
    webhook_target_refused: 422,
    idempotency_key_reused: 422,
    rate_limited: 429,
    internal_error: 500,
    overloaded: 503,
    upstream_unavailable: 503,
    upstream_timeout: 504,
  }

  // The keys of a record of codes are codes.
  test.each(Object.entries(FAMILIES) as [ProblemCode, number][])('%s is %i', (code, status) => {
    expect(statusOf(code)).toBe(status)
  })
})

describe('our own mistakes', () => {
  test('a stored password hash that is broken is internal_error, never "wrong password"', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAdmin()
    await service().sql("update passwords set phc = '$argon2id$broken' where user_id = $1", [tokens.user.id])
    expectProblem(await client.login(email), 'internal_error')
  })

  test('a deployment without a signing key is upstream_unavailable, and signs no one out', async () => {
    const client = await newClient(service())
    const { email } = await client.newAdmin()
    const { sql } = service()
    await sql("update signing_keys set state = 'retired' where state = 'current'")
    try {
      expectProblem(await client.login(email), 'upstream_unavailable')
    } finally {
      await sql("update signing_keys set state = 'current' where state = 'retired'")
    }
    expect((await client.login(email)).status).toBe(200)
  })
})
