/** What is a refusal, and what only looks like one: an answer that is taken for one would be lost. */
import { expect, test } from 'vitest'
import { isRefusal, refuse } from '../../src/problem.ts'

test('a refusal is known by its code, with whatever it carries', () => {
  expect(isRefusal(refuse('not_found'))).toBe(true)
  expect(isRefusal(refuse('rate_limited', { headers: { 'retry-after': '7' } }))).toBe(true)
})

test.each([
  ['a row with an empty column of that name', { refused: null }],
  ['a row with another text there', { refused: 'session.refused' }],
  ['a list of what was refused', { refused: ['not_found'] }],
  ['a name that every object has', { refused: 'toString' }],
  ['a code without its object', 'not_found'],
  ['nothing', null],
])('%s is no refusal', (_, value) => {
  expect(isRefusal(value)).toBe(false)
})
