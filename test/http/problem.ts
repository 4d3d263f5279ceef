/** What every refusal looks like, whatever was refused (RFC 9457 and DESIGN.md §9). */
import { expect } from 'vitest'
import { problemResponse, type RefusalCode, refuse } from '../../src/problem.ts'
import type { Answer } from '../support/client.ts'

export type Problem = {
  code: string
  status: number
  request_id: string
  errors?: { pointer: string; code: string }[]
}

const MEMBERS = ['type', 'title', 'status', 'code', 'detail', 'request_id', 'errors']

/** @param errors exactly the fields that must be named, as `{ '/pointer': 'code' }` */
export function expectProblem(
  { status, headers, body }: Answer<unknown>,
  code: RefusalCode,
  errors?: Record<string, string>,
) {
  const problem = body as Record<string, unknown> & { errors?: { pointer: string; code: string }[] }
  expect(problem).toMatchObject({ code, type: `urn:latchkey:problem:${code}` })
  expect(status).toBe(problemResponse(refuse(code), '').status)
  expect(problem.status).toBe(status)
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('set-cookie')).toBeNull()
  expect(problem.request_id).toBe(headers.get('x-request-id'))
  expect(Object.keys(problem).filter((member) => !MEMBERS.includes(member))).toEqual([])
  if (errors) {
    expect(Object.fromEntries((problem.errors ?? []).map((error) => [error.pointer, error.code]))).toEqual(
      errors,
    )
  }
}
