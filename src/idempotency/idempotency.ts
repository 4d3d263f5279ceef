/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the first answer to a request is kept for 24 hours and
 * given again for a repeat. It is written by the statement that has the effect, so there is never an effect
 * without its answer, nor an answer without its effect. Answers carry tokens, so they are sealed; who repeats a
 * request must send the same body, secrets included.
 */
import type { Context } from '../context.ts'
import type { PasswordHash } from '../crypto/phc.ts'
import { open, seal } from '../crypto/sealing.ts'
import { Fault, type Refusal, refuse } from '../problem.ts'

/** Whose key it is: two tenants, two actors, or two operations, may use the same. */
export type IdempotencyKey = { actor: string; operation: string; key: string }

/** What is kept, sealed as one. */
export type KeptAnswer = {
  /** The request without its secrets, as text: a repeat must equal it. */
  request: string
  /** In place of the password in the request, which is not stored. */
  passwordHash: PasswordHash | null
  status: number
  headers: [string, string][]
  body: string
}

/** @returns the key or null; refusal `invalid_request` for one that others could hit upon */
export function readIdempotencyKey(headers: Headers): string | null | Refusal {
  const given = headers.get('idempotency-key')
  if (given === null) return null
  const key = /^"([^"]*)"$/.exec(given)?.[1] ?? given // the draft's string, or bare as most clients send it
  return /^[\x21-\x7e]{16,255}$/.test(key)
    ? key
    : refuse('invalid_request', {
        detail: 'Idempotency-Key must be 16 to 255 visible ASCII characters, for example a UUID.',
      })
}

type Sealer = Pick<Context, 'settings' | 'random'>

export async function sealAnswer(
  ctx: Sealer,
  tenantId: string,
  key: IdempotencyKey,
  response: Response,
  { request, passwordHash }: Pick<KeptAnswer, 'request' | 'passwordHash'>,
): Promise<string> {
  const { status, headers } = response
  const kept: KeptAnswer = {
    request,
    passwordHash,
    status,
    headers: [...headers],
    body: await response.clone().text(),
  }
  const plaintext = new TextEncoder().encode(JSON.stringify(kept))
  return seal(ctx.settings.authKeys, 'seal:idempotency', plaintext, placeOf(tenantId, key), ctx.random)
}

/** @throws Fault when the row does not open: it was moved or changed */
export async function openAnswer(
  ctx: Pick<Sealer, 'settings'>,
  tenantId: string,
  key: IdempotencyKey,
  sealed: string,
): Promise<KeptAnswer> {
  const opened = await open(ctx.settings.authKeys, 'seal:idempotency', sealed, placeOf(tenantId, key))
  if (opened === null) throw new Fault('internal_error', 'a stored answer could not be decrypted')
  return JSON.parse(new TextDecoder().decode(opened)) // only `sealAnswer` writes these
}

const placeOf = (tenantId: string, { actor, operation, key }: IdempotencyKey) =>
  JSON.stringify([tenantId, actor, operation, key])

/** The answer once more, and a header that says so. */
export function repeatAnswer({ status, headers, body }: KeptAnswer): Response {
  return new Response(body, { status, headers: [...headers, ['idempotent-replayed', 'true']] })
}
