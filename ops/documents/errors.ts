/** The table of problems: what a refusal is called, when it is answered, and what a caller does then. */
import { CATALOGUE, type ProblemCode } from '../../src/problem.ts'
import { readDocumented } from './operations.ts'
import { WORDS } from './problem-words.ts'
import { cell, table } from './table.ts'

/** Sorted by status, as the catalogue has them. */
export function errorsTable(): string {
  const operations = readDocumented()
  const catalogue = (Object.keys(CATALOGUE) as ProblemCode[]).toSorted(
    (a, b) => CATALOGUE[a].status - CATALOGUE[b].status || (a < b ? -1 : 1),
  )
  return table(
    ['code', 'status', 'title', 'when', 'what to do', 'operations'],
    catalogue.map((code) => {
      const { status, title } = CATALOGUE[code]
      const { when, remedy } = WORDS[code]
      const answering = operations.filter(({ codes }) => codes.has(code)).map(({ name }) => name)
      return [
        `\`${code}\``,
        status,
        cell(title),
        cell(when),
        cell(remedy),
        named(answering, operations.length),
      ]
    }),
  )
}

/** A list of four is read, one of sixty is not. */
function named(operations: readonly string[], all: number): string {
  if (operations.length === 0) return 'any path'
  if (operations.length === all) return 'every one'
  return operations.length <= 4 ? operations.join(', ') : `${operations.length} of ${all}`
}
