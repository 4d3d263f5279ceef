/** The keyspace as text and back, so that a development run can keep its data. Refuses text of another version. */
import type { Entry, Keyspace } from './keyspace.ts'

const VERSION = 1

/** Values as JSON has them: sorted sets as lists of pairs. */
type SavedKey = { key: string; type: Entry['type']; value: unknown; expiresAt: number | null }

export function takeSnapshot(keyspace: Keyspace): string {
  const keys = keyspace.keys().flatMap((key): SavedKey[] => {
    const entry = keyspace.find(key)
    if (entry === undefined) return []
    const value = typeof entry.value === 'string' ? entry.value : [...entry.value].map(plain)
    return [{ key, type: entry.type, value, expiresAt: entry.expiresAt ?? null }]
  })
  return JSON.stringify({ version: VERSION, keys })
}

/** Replaces everything in the keyspace; what has expired in the meantime stays away. */
export function restoreSnapshot(keyspace: Keyspace, snapshot: string) {
  const saved: { version?: unknown; keys?: SavedKey[] } = JSON.parse(snapshot)
  if (saved.version !== VERSION || !Array.isArray(saved.keys)) {
    throw new Error(`redis: not a snapshot of version ${VERSION}; remove the file`)
  }
  keyspace.clear()
  for (const { key, type, value, expiresAt } of saved.keys) {
    keyspace.put(key, { ...revive(type, value), expiresAt: expiresAt ?? undefined } as Entry) // revive keeps the pair
  }
}

function plain(item: string | [string, number]): unknown {
  return Array.isArray(item) ? [item[0], String(item[1])] : item
}

function revive(type: Entry['type'], value: unknown): Pick<Entry, 'type' | 'value'> {
  if (type === 'string') return { type, value: value as string }
  if (type === 'list') return { type, value: value as string[] }
  const pairs = value as [string, string][] // takeSnapshot wrote them
  return { type, value: new Map(pairs.map(([member, score]) => [member, Number(score)])) }
}
