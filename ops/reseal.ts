/**
 * `npm run keys -- reseal`: moves every row that names an older key to the newest one. It can be stopped and run again:
 * what has moved is passed over. Sign-ins go on meanwhile; a Worker of an older release cannot read a sealed password.
 */
import type { Keyring } from '../src/crypto/keyring.ts'
import type { OperatorContext } from './context.ts'
import { readSealedRows, SEALED_TABLES, type SealedTable, writeSealedRows } from './sealed-tables.ts'

/** Rows of a page: one page is read, and one written, at a time. */
const PAGE_ROWS = 500
const PROGRESS_ROWS = 20_000

export type Resealed = {
  table: string
  read: number
  moved: number
  /** Changed in the meantime: by a sign-in, a reset, an erasure. */
  changedMeanwhile: number
  /** Ids of rows that do not open, or name a key that the ring lacks. */
  unreadable: string[]
}

/** @param rings the keyrings at hand; tables of another are left alone */
export async function reseal(
  ctx: Pick<OperatorContext, 'db' | 'random'>,
  rings: Partial<Record<SealedTable['keyring'], Keyring>>,
  say: (line: string) => void,
): Promise<Resealed[]> {
  const outcomes: Resealed[] = []
  for (const table of SEALED_TABLES) {
    const keyring = rings[table.keyring]
    if (keyring) outcomes.push(await resealTable(ctx, table, keyring, say))
  }
  return outcomes
}

async function resealTable(
  ctx: Pick<OperatorContext, 'db' | 'random'>,
  table: SealedTable,
  keyring: Keyring,
  say: (line: string) => void,
): Promise<Resealed> {
  const outcome: Resealed = { table: table.name, read: 0, moved: 0, changedMeanwhile: 0, unreadable: [] }
  let after: string | null = null
  for (;;) {
    const rows = await readSealedRows(ctx, table, after, PAGE_ROWS)
    const tried = await Promise.all(
      rows.map(async (row) => ({ ...row, moved: await resealRow(ctx, table, keyring, row) })),
    )
    const changes = tried.flatMap(({ id, values, moved }) =>
      moved === null || moved === 'unreadable' ? [] : [{ id, old: values, new: moved }],
    )
    const written = changes.length === 0 ? 0 : await writeSealedRows(ctx, table, changes)
    outcome.read += rows.length
    outcome.moved += written
    outcome.changedMeanwhile += changes.length - written
    outcome.unreadable.push(...tried.flatMap(({ id, moved }) => (moved === 'unreadable' ? [id] : [])))
    after = rows.at(-1)?.id ?? null
    if (rows.length < PAGE_ROWS) break
    if (outcome.read % PROGRESS_ROWS === 0) say(progress(outcome))
  }
  say(progress(outcome))
  return outcome
}

async function resealRow(
  { random }: Pick<OperatorContext, 'random'>,
  table: SealedTable,
  keyring: Keyring,
  row: Parameters<SealedTable['reseal']>[1],
) {
  try {
    return await table.reseal(keyring, row, random)
  } catch (error) {
    // The crypto folder's own: the row names a key that the ring lacks, or is broken. The others go on.
    if (error instanceof Error && error.name === 'CryptoFault') return 'unreadable'
    throw error
  }
}

/** Ids of broken rows that are shown. */
const SHOWN = 5

function progress({ table, read, moved, changedMeanwhile, unreadable }: Resealed): string {
  const counted = (n: number) => n.toLocaleString('en')
  const rest = [
    changedMeanwhile > 0 && `${counted(changedMeanwhile)} changed meanwhile`,
    unreadable.length > 0 &&
      `${counted(unreadable.length)} not readable (${unreadable.slice(0, SHOWN).join(', ')})`,
  ].filter((part) => part !== false)
  return [`${table}: ${counted(read)} read, ${counted(moved)} moved`, ...rest].join(', ')
}
