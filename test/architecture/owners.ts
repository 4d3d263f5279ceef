/**
 * Who writes which table. Another folder that has something to write composes a piece of SQL that the owner exports, or
 * calls a function of the owner's. What is otherwise is in a list, with its reason.
 */
import { getTableName, is, Table } from 'drizzle-orm'
import * as schema from '../../src/storage/schema.ts'
import type { Rule } from './rules.ts'
import { descendants, isNode, type Node, nameOf, nodes } from './source.ts'

/** The folder of src/ that owns a table. */
export const OWNERS: Record<string, string> = {
  tenants: 'tenants',
  tenant_hosts: 'tenants',
  users: 'accounts',
  sign_in_failures: 'accounts',
  passwords: 'passwords',
  sessions: 'sessions',
  refresh_tokens: 'sessions',
  one_time_tokens: 'one-time',
  signing_keys: 'keys',
  auth_keys: 'keys',
  deployed_keyrings: 'keys',
  idempotency_keys: 'idempotency',
  events: 'events',
  person_keys: 'events',
  backlogs: 'housekeeping',
  mails: 'mailer',
  webhook_endpoints: 'webhooks',
  webhook_deliveries: 'webhooks',
  // Of the audit log's own database (migrations/audit), which the schema does not describe.
  audit_events: 'audit',
  audit_events_other: 'audit',
  audit_heads: 'audit',
  audit_erased: 'audit',
}

type Verb = 'insert' | 'update' | 'delete'
type Write = { verb: Verb; table: string }

/** A table that is named where the program runs: `delete from ${table}`. */
const ANY = 'any table'

/** These go, one after the other; none is added. */
const NOT_YET = 'is not with its owner yet'

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
    folder: 'access',
    verbs: ['delete'],
    tables: ['passwords'],
    because: 'every credential of an account is ended in one place',
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
    because: 'deletes the rows of any table that nothing needs any more',
  },
  {
    folder: 'me',
    verbs: ['delete'],
    tables: ['refresh_tokens', 'sessions', 'mails', 'idempotency_keys'],
    because: NOT_YET,
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
const WRITES = /\b(?<verb>insert\s+into|(?<!(?:for|key|do)\s+)update|delete\s+from)\s+"?(?<table>\w+|\$\{)/gi

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
