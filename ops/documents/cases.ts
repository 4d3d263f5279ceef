/**
 * docs/cases.md: each id that a title of a test names, with the tests that name it. What an id means is written there by
 * hand; the column of tests is written here. A row whose last cell is "none" has lost its tests.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { parseAst } from 'vitest/node'

/** Attacks (`A01`), failures seen elsewhere (`S05`), and lines of the work that made this service (`keys 4`). */
const LINES = [
  'accounts',
  'administration',
  'clients',
  'console',
  'factors',
  'files',
  'house',
  'keys',
  'newcomer',
  'packages',
  'pages',
  'piles',
] as const
const LINE = `(?:${LINES.join('|')}) \\d{1,2}`
const AT_ITS_BEGINNING = new RegExp(
  `^((?:[A-N]\\d\\d)(?:[, ]+[A-N]\\d\\d)*(?=[: ]|$)|${LINE}(?=: |$)|[a-z]+ \\d{1,2}(?=: ))`,
)
const IN_BRACKETS = /\((?:CASES |FINDINGS )?([A-N]\d\d(?:, [A-N]\d\d)*)\)/g

/** What is written by hand: `| id | what | source |`; the column of tests follows it. */
const ROW = /^\| ([A-NS]\d\d|[a-z]+ \d{1,2}) \|((?:[^|\n]|\\\|)*\|(?:[^|\n]|\\\|)*)\|.*$/gm

/** @returns id → the files with a title that names it */
export function readCases(folder = 'test'): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    if (!name.endsWith('.ts')) continue
    const file = `${folder}/${name}`
    for (const id of idsIn(readFileSync(file, 'utf8'))) found.set(id, (found.get(id) ?? new Set()).add(file))
  }
  return found
}

/** The ids of every title, which is any text of the code that begins with one or has one in brackets. */
function idsIn(code: string): string[] {
  return textsOf(parseAst(code, { lang: 'ts' })).flatMap((text) => {
    const [, first = ''] = AT_ITS_BEGINNING.exec(text) ?? []
    // In brackets F is a failure seen elsewhere: at the beginning of a title it is a second factor.
    const inBrackets = [...text.matchAll(IN_BRACKETS)].flatMap(([, ids = '']) =>
      idsOf(ids.replaceAll('F', 'S')),
    )
    return [...idsOf(first), ...inBrackets]
  })
}

const idsOf = (ids: string): string[] => ids.match(/[A-NS]\d\d|[a-z]+ \d{1,2}/g) ?? []

function textsOf(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(textsOf)
  if (typeof node !== 'object' || node === null) return []
  if ('type' in node && node.type === 'Literal' && 'value' in node) return [String(node.value)]
  if ('type' in node && node.type === 'TemplateElement' && 'value' in node)
    return [String((node.value as { cooked?: string }).cooked)] // as ESTree has it
  return Object.values(node).flatMap(textsOf)
}

/** The page with the files of each id. */
export function renderCases(page: string): string {
  const cases = readCases()
  return page.replaceAll(ROW, (_, id: string, byHand: string) => {
    const files = [...(cases.get(id) ?? [])].map((file) => `[${file.slice(5)}](../${file})`)
    return `| ${id} |${byHand}| ${files.join(' ') || 'none'} |`
  })
}

/** Where the page and the titles disagree: ids without a row, rows without a test. */
export function compareCases(page: string): { unexplained: string[]; untested: string[] } {
  const explained = new Set([...page.matchAll(ROW)].map(([, id = '']) => id))
  const named = readCases()
  return {
    unexplained: [...named.keys()].filter((id) => !explained.has(id)),
    untested: [...explained].filter((id) => !named.has(id)),
  }
}
