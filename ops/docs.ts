/**
 * `npm run docs` — writes what the code states into the documents that show it: the tables between
 * `<!-- <name> -->` and `<!-- /<name> -->`, and the OpenAPI document (ops/openapi.ts). A test holds the documents to the code.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { EVENTS, type EventEntry } from '../src/events/catalogue.ts'
import { LIMITS, type Limit, type Policy } from '../src/limits/limits.ts'
import { SECTIONS } from '../src/personal-data.ts'
import { DOCUMENT, renderOpenApi } from './openapi.ts'

/** What stands in which document. */
const TABLES: { file: string; name: string; render: () => string }[] = [
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
  for (const { file, rendered } of await renderDocuments()) await writeFile(file, rendered)
  await writeFile(DOCUMENT, await renderOpenApi())
}
