/** A refusal with exactly the fields that it must name. */
import { expect } from 'vitest'
import type { RefusalCode } from '../../src/problem.ts'
import type { Answer } from './client.ts'
import { expectProblem as expectRefusal, type Problem } from './expect.ts'

export type { Problem }

const MEMBERS = ['type', 'title', 'status', 'code', 'detail', 'request_id', 'errors']

/** @param errors exactly the fields that must be named, as `{ '/pointer': 'code' }` */
export function expectProblem(answer: Answer<unknown>, code: RefusalCode, errors?: Record<string, string>) {
  const problem = expectRefusal(answer, code)
  expect(Object.keys(problem).filter((member) => !MEMBERS.includes(member))).toEqual([])
  if (!errors) return
  const named = (problem.errors ?? []).map((error) => [error.pointer, error.code])
  expect(Object.fromEntries(named)).toEqual(errors)
}
