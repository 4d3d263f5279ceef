/**
 * On which line of a file each address was first, in 12 bytes an address, so that a file of millions fits into memory: of
 * an address 64 bits of its SHA-256 are kept. Among ten million, two that only look the same are to be expected once in
 * 300,000 files.
 */
import { createHash } from 'node:crypto'
import type { FirstPlaceOf } from '../src/admin/import-users.ts'

/** An open-addressed table: `digests` holds two words of each entry, `lines` its line, or 0 where there is none. */
type Table = { digests: Uint32Array; lines: Uint32Array }

const newTable = (slots: number): Table => ({
  digests: new Uint32Array(2 * slots),
  lines: new Uint32Array(slots),
})

export function createFirstLines(): FirstPlaceOf {
  let table = newTable(1024)
  let count = 0
  return (email, line) => {
    const digest = createHash('sha256').update(email).digest()
    const [high, low] = [digest.readUInt32LE(0), digest.readUInt32LE(4)]
    const slot = slotOf(table, high, low)
    const first = table.lines[slot]
    if (first) return first
    put(table, slot, { high, low, line })
    count += 1
    if (count * 2 > table.lines.length) table = grown(table)
    return null
  }
}

/** Where the address is, or belongs. */
function slotOf({ digests, lines }: Table, high: number, low: number): number {
  let slot = low % lines.length
  while (lines[slot] && (digests[2 * slot] !== high || digests[2 * slot + 1] !== low))
    slot = (slot + 1) % lines.length
  return slot
}

function put(
  { digests, lines }: Table,
  slot: number,
  { high, low, line }: { high: number; low: number; line: number },
): void {
  digests[2 * slot] = high
  digests[2 * slot + 1] = low
  lines[slot] = line
}

function grown(table: Table): Table {
  const larger = newTable(2 * table.lines.length)
  for (const [slot, line] of table.lines.entries()) {
    if (line === 0) continue
    const [high = 0, low = 0] = table.digests.subarray(2 * slot, 2 * slot + 2)
    put(larger, slotOf(larger, high, low), { high, low, line })
  }
  return larger
}
