/**
 * `npm run docs` — writes what the code states into the documents that show it: the tables between
 * `<!-- <name> -->` and `<!-- /<name> -->`, the tests in docs/cases.md, the OpenAPI document (ops/openapi.ts), and the files
 * that only list what there is (ops/registries.ts). A test holds the documents to the code.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { renderCases } from './documents/cases.ts'
import { errorsTable } from './documents/errors.ts'
import { limitsTable, operationsTable, permissionsTable } from './documents/operations.ts'
import { ownersTable } from './documents/owners.ts'
import { eventsTable, exportTable } from './documents/records.ts'
import { bindingsTable, settingsTable, tenantSettingsTable } from './documents/settings.ts'
import { workersTable } from './documents/workers.ts'
import { DOCUMENT, renderOpenApi } from './openapi.ts'
import { renderRegistries } from './registries.ts'

/** Which table is in which document. */
const TABLES: { file: string; name: string; render: () => string }[] = [
  { file: 'docs/routes.md', name: 'operations', render: operationsTable },
  { file: 'docs/limits.md', name: 'limits', render: limitsTable },
  { file: 'docs/errors.md', name: 'errors', render: errorsTable },
  { file: 'docs/settings.md', name: 'settings', render: settingsTable },
  { file: 'docs/settings.md', name: 'bindings', render: bindingsTable },
  { file: 'docs/settings.md', name: 'tenant settings', render: tenantSettingsTable },
  { file: 'docs/permissions.md', name: 'permissions', render: permissionsTable },
  { file: 'docs/deploying.md', name: 'workers', render: workersTable },
  { file: 'docs/architecture.md', name: 'owners', render: ownersTable },
  { file: 'docs/events.md', name: 'events', render: eventsTable },
  { file: 'docs/export.md', name: 'export', render: exportTable },
]

export const CASES = 'docs/cases.md'

/** @returns each document as it is and as the code says it should be */
export async function renderDocuments(): Promise<{ file: string; text: string; rendered: string }[]> {
  const files = [...new Set([...TABLES.map(({ file }) => file), CASES])]
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, 'utf8')
      const tables = TABLES.filter((table) => table.file === file)
      const rendered = tables.reduce(
        (before, { name, render }) => withTable(before, file, name, render()),
        text,
      )
      return { file, text, rendered: file === CASES ? renderCases(rendered) : rendered }
    }),
  )
}

function withTable(text: string, file: string, name: string, table: string): string {
  const place = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`)
  if (!place.test(text)) throw new Error(`${file} has no place for ${name}`)
  return text.replace(place, (_, begin, end) => `${begin}${table}\n${end}`)
}

if (import.meta.main) {
  // First, because the Workers import them.
  for (const { file, rendered } of renderRegistries()) await writeFile(file, rendered)
  await writeFile(DOCUMENT, await renderOpenApi())
  for (const { file, rendered } of await renderDocuments()) await writeFile(file, rendered)
}
