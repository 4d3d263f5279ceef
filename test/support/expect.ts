/** What must be true of every answer, whatever was asked. */
import { expect } from 'vitest'
import { type ProblemCode, problemResponse, type Refusal } from '../../src/problem.ts'
import type { Answer } from './client.ts'

export type Problem = {
  type: string
  title: string
  status: number
  code: string
  detail?: string
  request_id: string
  errors?: { pointer: string; code: string; detail?: string }[]
}

/** The status that the catalogue in src/problem.ts gives a code. */
export function statusOf(code: ProblemCode): number {
  // Refusals and faults share the catalogue; only its status is read here.
  return problemResponse({ refused: code } as Refusal, { requestId: '', outcome: {} }).status
}

const SECURITY_HEADERS = {
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
}

/** Request id, security headers, and nothing that a shared cache may keep. */
export function expectCommonHeaders({ headers }: Answer<unknown>, cacheControl = 'no-store'): void {
  expect(headers.get('cache-control')).toBe(cacheControl)
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) expect(headers.get(name), name).toBe(value)
}

/** What takes away the cookie of a session that is over. */
export const CLEARED = '__Host-latchkey=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax'

/** A refusal of the catalogue (RFC 9457), with what its status requires, and with no cookie but those of `cookies`. */
export function expectProblem(
  answer: Answer<unknown>,
  code: ProblemCode,
  cookies: readonly string[] = [],
): Problem {
  const problem = answer.body as Problem
  const status = statusOf(code)
  const summary = { status: answer.status, code: problem.code }
  expect(summary, JSON.stringify(problem)).toEqual({ status, code })
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(problem).toMatchObject({ type: `urn:latchkey:problem:${code}`, status })
  expect(problem.title).toMatch(/\S/)
  expect(problem.request_id).toBe(answer.headers.get('x-request-id'))
  expectCommonHeaders(answer)
  expect(answer.headers.getSetCookie()).toEqual(cookies)
  expect(answer.headers.has('www-authenticate'), 'WWW-Authenticate').toBe(
    status === 401 || code === 'insufficient_scope',
  )
  if (status === 429 || status === 503 || status === 504)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  return problem
}

/** `invalid_input` that names these fields, e.g. `{ '/email': 'invalid_email' }`. */
export function expectInvalidInput(answer: Answer<unknown>, fields: Record<string, string>): void {
  const { errors = [] } = expectProblem(answer, 'invalid_input')
  expect(Object.fromEntries(errors.map(({ pointer, code }) => [pointer, code]))).toEqual(fields)
}
