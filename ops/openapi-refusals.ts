/** Which refusals and faults an operation may answer: what it states, and what comes with what it is. */
import type { Description } from '../src/description.ts'
import { LIMITS, type Policy } from '../src/limits/limits.ts'
import { CATALOGUE, type ProblemCode } from '../src/problem.ts'

/** Its row of LIMITS. */
export function policyOf({ id, limits }: Description): Policy {
  const row: Policy | undefined = (LIMITS as Record<string, Policy>)[limits ?? id]
  if (!row) throw new Error(`${id} has no row in LIMITS`)
  return row
}

/** Sorted by status, then by name. */
export function problemsOf(operation: Description): ProblemCode[] {
  const { withoutRedis, withoutPostgres } = policyOf(operation)
  const needsParts = withoutRedis !== 'unused' || withoutPostgres !== 'unused'
  const codes = new Set<ProblemCode>([
    'internal_error',
    'invalid_caller',
    'rate_limited',
    ...(needsParts ? PARTS : []),
    ...(operation.body ? BODY : []),
    ...(operation.form ? FORM : []),
    ...(operation.query ? QUERY : []),
    ...CALLERS[operation.caller],
    ...(operation.takesKeys ? (['insufficient_scope'] as const) : KEYLESS[operation.caller]),
    ...(operation.stepUp ? STEP_UP : []),
    ...(operation.idempotencyKey ? IDEMPOTENCY : []),
    ...operation.refusals,
  ])
  return [...codes].toSorted((a, b) => CATALOGUE[a].status - CATALOGUE[b].status || (a < b ? -1 : 1))
}

const PARTS = [
  ...(['unknown_host', 'origin_not_allowed'] as const),
  ...(['overloaded', 'upstream_unavailable', 'upstream_timeout'] as const),
] as const
const QUERY = ['invalid_input'] as const
const BODY = [
  ...(['invalid_json', 'invalid_request', 'invalid_input'] as const),
  ...(['payload_too_large', 'unsupported_media_type'] as const),
] as const
const FORM = ['invalid_request', 'invalid_input', 'payload_too_large', 'unsupported_media_type'] as const
const BEARER = ['missing_token', 'invalid_token', 'invalid_request', 'impersonated'] as const
const CALLERS = {
  anyone: [],
  session: ['invalid_request'],
  user: BEARER,
  admin: [...BEARER, 'insufficient_role'],
} as const satisfies Record<Description['caller'], readonly ProblemCode[]>
const KEYLESS = {
  anyone: [],
  session: [],
  user: ['api_key_not_accepted'],
  admin: ['api_key_not_accepted'],
} as const satisfies Record<Description['caller'], readonly ProblemCode[]>
const STEP_UP = ['insufficient_user_authentication'] as const
const IDEMPOTENCY = ['invalid_request', 'idempotency_key_in_use', 'idempotency_key_reused'] as const
