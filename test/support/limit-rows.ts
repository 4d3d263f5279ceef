/** Which row of LIMITS (src/limits/limits.ts) each operation of the Workers is held to. */
import { execFileSync } from 'node:child_process'
import type { WorkerCode } from '../../ops/routes.ts'
import type { LimitedOperation } from '../../src/limits/limits.ts'
import { EVERY_OPERATION } from '../operations.ts'

export const ROWS: Record<string, LimitedOperation> = Object.fromEntries(
  EVERY_OPERATION.map(({ name, limits }) => [name, limits.row]),
)

export function rowOf(operation: string): LimitedOperation {
  const row = ROWS[operation]
  if (!row) throw new Error(`${operation} has no row in LIMITS`)
  return row
}

/** What the Workers' entry points export. In a process of its own: Vite cannot load their .wasm and .txt, Node can. */
export function readCode(): Record<string, WorkerCode> {
  return JSON.parse(execFileSync(process.execPath, ['ops/routes.ts', '--json'], { encoding: 'utf8' }))
}
