/**
 * `npm run docs` — writes what the code states into the documents that show it: the tables between
 * `<!-- <name> -->` and `<!-- /<name> -->`, and the OpenAPI document (ops/openapi.ts). A test holds the documents to the code.
 */
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import type { Description } from '../src/description.ts'
import { EVENTS, type EventEntry } from '../src/events/catalogue.ts'
import { LIMITS, type Limit, type Policy } from '../src/limits/limits.ts'
import { SECTIONS } from '../src/personal-data.ts'
import { DOCUMENT, renderOpenApi } from './openapi.ts'

/** What stands in which document. */
const TABLES: { file: string; name: string; render: () => string }[] = [
  { file: 'README.md', name: 'operations', render: operationsTable },
  { file: 'SECURITY.md', name: 'limits', render: limitsTable },
  { file: 'EVENTS.md', name: 'events', render: eventsTable },
  { file: 'EXPORT.md', name: 'export', render: exportTable },
]

/** @returns each document as it is and as the code says it should be */
export async function renderDocuments(): Promise<{ file: string; text: string; rendered: string }[]> {
  return Promise.all(
    TABLES.map(async ({ file, name, render }) => {
      const text = await readFile(file, 'utf8')
      const place = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`)
      if (!place.test(text)) throw new Error(`${file} has no place for ${name}`)
      return { file, text, rendered: text.replace(place, (_, begin, end) => `${begin}${render()}\n${end}`) }
    }),
  )
}

type Documented = { 'x-latchkey': { worker: string; budget: Budget; limits: Policy } }
type Budget = Description['budget']

/** Method and path, the Worker that answers, and what a call costs: from the OpenAPI document, which Vite can read too. */
function operationsTable(): string {
  const { paths } = JSON.parse(readFileSync(DOCUMENT, 'utf8')) as {
    paths: Record<string, Record<string, Documented>>
  }
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([
        method,
        {
          'x-latchkey': { worker, budget, limits },
        },
      ]) => {
        const name = `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`
        const postgres = limits.withoutPostgres === 'edge' ? `≤ ${budget.postgres} ¹` : `${budget.postgres}`
        const marks = NOTES[name] ? ` ${NOTES[name]}` : ''
        return `| ${name} | ${worker} | ${budget.redis} | ${postgres}${marks} | ${budget.hashes ?? ''} |`
      },
    ),
  )
  return [
    '| method and path | Worker | Redis | Postgres | hash |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

/** Where a number does not say all: the text is below the table. */
const NOTES: Record<string, string> = {
  'GET /v1/admin/audit-events': '²',
  'POST /v1/admin/invitations': '³',
  'GET /v1/me/export': '⁴',
  'POST /v1/webhooks': '⁵',
  'PATCH /v1/webhooks/:id': '⁵',
  'POST /v1/refresh': '⁶',
  'POST /v1/logout': '⁶',
}

/** Operation × subject × rate, and what happens without Redis or PostgreSQL. */
function limitsTable(): string {
  const rows = Object.entries<Policy>(LIMITS).map(([operation, policy]) => {
    const { redis, postgres, edge, withoutRedis, withoutPostgres } = policy
    const counted = [...ratesOf(redis, ''), ...ratesOf(postgres, ' ᴾ'), ...ratesOf(edge, ' ᴱ')]
    return `| ${operation} | ${counted.join(', ')} | ${withoutRedis} | ${withoutPostgres} |`
  })
  return [
    '| operation | at most | without Redis | without PostgreSQL |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

/** What each event says and carries, who may see it, whether webhooks may subscribe, and what makes it. */
function eventsTable(): string {
  const rows = Object.entries<EventEntry>(EVENTS).map(
    ([type, { says, carries, visibleTo, webhook, origin }]) => {
      const carried = Object.entries(carries).map(([name, what]) => `\`${name}\`: ${what}`)
      return `| \`${type}\` | ${says} | ${carried.join('; ')} | ${visibleTo} | ${webhook ? 'yes' : 'no'} | ${origin} |`
    },
  )
  return [
    '| event | says | carries | visible to | webhooks | origin |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

/** What a person's export says, section by section. */
function exportTable(): string {
  const rows = SECTIONS.flatMap(([name, section]) => [
    `| **\`${name}\`** | ${section.isOne ? 'object or null' : 'list'}: ${section.says} |`,
    ...Object.entries(section.members).map(([member, [says]]) => `| \`${name}.${member}\` | ${says} |`),
  ])
  return ['| member | what |', '| --- | --- |', ...rows].join('\n')
}

const ratesOf = (limits: Record<string, Limit> | undefined, where: string) =>
  Object.entries(limits ?? {}).map(([subject, { rate, seconds, spares }]) => {
    const spared = spares === undefined ? '' : ` (then only networks below ${spares})`
    return `${subject} ${rate}/${WINDOWS[seconds] ?? `${seconds} s`}${spared}${where}`
  })

const WINDOWS: Record<number, string> = { 60: 'min', 900: '15 min', 3600: 'h' }

if (import.meta.main) {
  await writeFile(DOCUMENT, await renderOpenApi())
  for (const { file, rendered } of await renderDocuments()) await writeFile(file, rendered)
}
