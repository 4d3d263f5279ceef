/**
 * Who writes which table. Another folder that has something to write composes a piece of SQL that the owner exports, or
 * calls a function of the owner's. What is otherwise is in a list, with its reason.
 */
import { getTableName, is, Table } from 'drizzle-orm'
import { OWNERS } from '../../ops/documents/owners.ts'
import * as schema from '../../src/storage/schema.ts'
import type { Rule } from './rules.ts'
import { descendants, isNode, type Node, nameOf, nodes } from './source.ts'

type Verb = 'insert' | 'update' | 'delete'
type Write = { verb: Verb; table: string }

/** A table that is named where the program runs: `delete from ${table}`. */
const ANY = 'any table'

/** What a folder may do besides to a table that it does not own, and why. */
export const EXCEPTIONS: { folder: string; verbs: Verb[]; tables: string[]; because: string }[] = [
  {
    folder: 'sign-in',
    verbs: ['insert', 'update'],
    tables: ['sessions'],
    because: 'the one door: a session begins, and is authenticated anew, there alone',
  },
  {
    folder: 'sign-in',
    verbs: ['insert'],
    tables: ['refresh_tokens'],
    because: 'the first token of a session begins with it',
  },
  {
    folder: 'guard',
    verbs: ['update'],
    tables: ['api_keys'],
    because: 'notes when a key was last used, where it is found to be good',
  },
  {
    folder: 'access',
    verbs: ['delete'],
    tables: [ANY],
    because:
      'ends every credential of an account, in one place, of which the declarations say which they are',
  },
  {
    folder: 'audit',
    verbs: ['insert'],
    tables: [ANY],
    because: 'a month of the audit log is a table of its own, which is named by its date',
  },
  {
    folder: 'housekeeping',
    verbs: ['delete'],
    tables: [ANY],
    because: 'deletes the rows that nothing needs any more, as the owners of the tables declare it',
  },
  {
    folder: 'me',
    verbs: ['delete'],
    tables: [ANY],
    because: 'deletes the rows of a person who is erased, as the owners of the tables declare it',
  },
]

const TABLE_OF = new Map(
  Object.entries(schema).flatMap(([name, value]) => (is(value, Table) ? [[name, getTableName(value)]] : [])),
)

/** Every table of the schema. */
export const TABLES = [...TABLE_OF.values()]

export const oneOwnerPerTable: Rule = ({ path, body }) => {
  const [, folder = ''] = path.split('/')
  return [...descendants(body)]
    .flatMap(writesOf)
    .filter(({ verb, table }) => OWNERS[table] !== folder && !isException(folder, verb, table))
    .map(({ verb, table }) => `${verb}s ${table}, which ${OWNERS[table] ?? 'an owner'}/ writes`)
}

export const isException = (folder: string, verb: Verb, table: string) =>
  EXCEPTIONS.some((one) => one.folder === folder && one.verbs.includes(verb) && one.tables.includes(table))

/** What a node writes: the text of a statement, or a call of the query builder. */
export function writesOf(node: Node): Write[] {
  if (node.type === 'TemplateLiteral') return textsOf(node).flatMap(writesOfText)
  if (node.type !== 'CallExpression' || !isNode(node.callee)) return []
  const verb = nameOf(node.callee.property)
  const table = TABLE_OF.get(nameOf(nodes(node.arguments)[0]))
  return isVerb(verb) && table !== undefined ? [{ verb, table }] : []
}

const isVerb = (word: string): word is Verb => /^(insert|update|delete)$/.test(word)

/** `for update`, `for no key update of` and `do update set` write nothing by themselves. */
const WRITES =
  /\b(?<verb>insert\s+into|(?<!(?:for|key|do)\s+)update|delete\s+from)\s+(?:"?public"?\.)?"?(?<table>\w+|\$\{)/gi

const writesOfText = (text: string): Write[] =>
  [...text.matchAll(WRITES)].flatMap(({ groups }) => {
    const verb = groups?.verb?.split(/\s/)[0]?.toLowerCase() ?? ''
    const table = groups?.table === '${' ? ANY : (groups?.table ?? '')
    return isVerb(verb) && (table === ANY || table in OWNERS) ? [{ verb, table }] : []
  })

/** The text of a template, with `${` where something is put in. */
const textsOf = ({ quasis }: Node) => [nodes(quasis).map(rawOf).join('${')]

const rawOf = ({ value }: Node) =>
  typeof value === 'object' && value !== null && 'raw' in value ? String(value.raw) : ''
