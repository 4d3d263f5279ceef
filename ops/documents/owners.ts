/** The folder of src/ that owns a table: the one whose personal-data.ts says what the table holds. It alone writes it. */
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { table } from './table.ts'

export const OWNERS: Record<string, string> = Object.fromEntries(
  (await Promise.all(readdirSync('src').map(tablesDeclaredIn))).flat(),
)

async function tablesDeclaredIn(folder: string): Promise<(readonly [table: string, folder: string])[]> {
  // storage/ has the type of a declaration.
  const file = path.resolve('src', folder, 'personal-data.ts')
  if (folder === 'storage' || !existsSync(file)) return []
  // Not a pattern that Vite expands once: it would not know a folder that is new.
  const declared: Record<string, object> = await import(/* @vite-ignore */ pathToFileURL(file).href)
  return Object.values(declared).flatMap((tables) =>
    Object.keys(tables).map((table) => [table, folder] as const),
  )
}

/** Folder by folder. */
export function ownersTable(): string {
  const folders = Object.entries(Object.groupBy(Object.entries(OWNERS), ([, folder]) => folder))
  return table(
    ['folder', 'tables'],
    folders
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([folder, owned = []]) => [`\`${folder}/\``, owned.map(([name]) => `\`${name}\``).join(' ')]),
  )
}
