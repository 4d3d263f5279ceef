/**
 * Indexes on tables that are in use: `create index concurrently`, which PostgreSQL allows outside a transaction only. It
 * may be cut off at any moment and then leaves an index that is not valid, so what exists is looked at before anything is
 * made, and what a run left unfinished is dropped and made again. Two runs at once wait for each other.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { Fault, faultOf } from '../src/problem.ts'
import type { Database } from '../src/storage/postgres.ts'
import type { Migration } from './migrate.ts'

type IndexStatement = { index: string; verb: 'create' | 'drop'; text: string }

const PATTERN =
  /^(?:create (?:unique )?index concurrently (?:if not exists )?|(drop) index concurrently (?:if exists )?)"?([a-z_0-9]+)"?/i

/** @returns null for a migration that is one transaction */
export function readIndexStatements({ name, statements }: Migration): IndexStatement[] | null {
  if (!statements.some((statement) => /\bconcurrently\b/i.test(statement))) return null
  return statements.map((statement) => {
    const text = statement.trim()
    const [, drop, index] = PATTERN.exec(text) ?? []
    if (!index) throw new Error(`migration ${name} mixes concurrent indexes with what needs a transaction`)
    return { index, verb: drop ? 'drop' : 'create', text }
  })
}

export async function makeIndexes(
  db: Database,
  statements: readonly IndexStatement[],
  say: (line: string) => void,
): Promise<void> {
  for (const statement of statements)
    await (statement.verb === 'drop' ? drop(db, statement.index) : make(db, statement, say))
}

const LOOK_AGAIN_MS = 2000

async function make(
  db: Database,
  { index, text }: IndexStatement,
  say: (line: string) => void,
): Promise<void> {
  let told = ''
  const tell = (line: string) => {
    if (line !== told) say(line)
    told = line
  }
  for (;;) {
    const state = await readState(db, index)
    if (state === 'valid') return
    if (state === 'being made') {
      tell(`index ${index} is being created by another run; waiting`)
      await delay(LOOK_AGAIN_MS)
    } else if (state === 'invalid') {
      tell(`index ${index} was left unfinished; creating it again`)
      await drop(db, index)
    } else {
      tell(`creating index ${index}; requests continue`)
      await create(db, index, text)
    }
  }
}

const drop = (db: Database, index: string) =>
  db.execute(sql.raw(`drop index concurrently if exists "${index}"`))

async function create(db: Database, index: string, text: string): Promise<void> {
  try {
    await db.execute(sql.raw(text))
  } catch (error) {
    const fault = faultOf(error)
    if (/\b42P07\b/.test(fault.message)) return // another run was faster
    if (fault.code === 'internal_error') throw error
    throw new Fault(
      fault.code,
      `index ${index} was not finished (${fault.message}). Run this with psql, then \`npm run migrate\` again:\n${text}`,
    )
  }
}

type State = 'absent' | 'invalid' | 'being made' | 'valid'

async function readState(db: Database, index: string): Promise<State> {
  const { rows } = await db.execute<{ state: State }>(sql`
    select case when indisvalid then 'valid'
      when exists (select from pg_stat_progress_create_index where index_relid = indexrelid) then 'being made'
      else 'invalid' end as state
    from pg_index where indexrelid = to_regclass(${`"${index}"`})`)
  return rows[0]?.state ?? 'absent'
}
