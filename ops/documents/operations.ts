/** The tables about operations: what each is called and costs, and what limits it. */
import { readFileSync } from 'node:fs'
import type { Description } from '../../src/description.ts'
import { LIMITS, type Limit, type Policy } from '../../src/limits/limits.ts'
import { PERMISSIONS } from '../../src/permissions.ts'
import { DOCUMENT } from '../openapi.ts'
import { table } from './table.ts'

export type Documented = {
  name: string
  /** The problems that it may answer. */
  codes: ReadonlySet<string>
  'x-latchkey': Pick<Description, 'caller' | 'permission' | 'budget'> & {
    takesKeys?: boolean
    worker: string
    stepUp: boolean
    idempotencyKey: boolean
    limits: Policy
  }
}

/** Every operation of the OpenAPI document, which Vite can read where it cannot load the Workers. */
export function readDocumented(): Documented[] {
  const { paths, components } = JSON.parse(readFileSync(DOCUMENT, 'utf8')) as {
    paths: Record<string, Record<string, Written>>
    components: { responses: Record<string, Answered> }
  }
  const codesOf = (response: Answered | { $ref: string }): readonly string[] => {
    if ('$ref' in response) return codesOf(components.responses[response.$ref.split('/').at(-1) ?? ''] ?? {})
    const parts = response.content?.['application/problem+json']?.schema.allOf ?? []
    return parts.flatMap(({ properties }) => properties?.code?.enum ?? [])
  }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses, ...written }]) => ({
      ...written,
      name: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      codes: new Set(Object.values(responses).flatMap(codesOf)),
    })),
  )
}

type Written = Omit<Documented, 'name' | 'codes'> & { responses: Record<string, Answered | { $ref: string }> }
type Answered = {
  content?: Record<string, { schema: { allOf?: { properties?: { code?: { enum?: string[] } } }[] } }>
}

/** Method and path, the Worker that answers, who may call, and what a call costs. */
export function operationsTable(): string {
  return table(
    ['method and path', 'Worker', 'caller', 'Redis', 'Postgres', 'hash'],
    readDocumented().map(
      ({ name, 'x-latchkey': { worker, caller, takesKeys, stepUp, idempotencyKey, budget, limits } }) => {
        const postgres = limits.withoutPostgres === 'edge' ? `≤ ${budget.postgres} ¹` : `${budget.postgres}`
        const marks = NOTES[name] ? ` ${NOTES[name]}` : ''
        const who = [
          takesKeys ? `${caller} or key` : caller,
          ...(stepUp ? ['step-up'] : []),
          ...(idempotencyKey ? ['Idempotency-Key'] : []),
        ]
        return [name, worker, who.join(', '), budget.redis, `${postgres}${marks}`, budget.hashes ?? '']
      },
    ),
  )
}

/** Each permission of ours, what it allows, and the operations that demand it. */
export function permissionsTable(): string {
  const documented = readDocumented()
  return table(
    ['permission', 'allows to', 'demanded by'],
    Object.entries(PERMISSIONS).map(([permission, allows]) => {
      const operations = documented.filter((one) => one['x-latchkey'].permission === permission)
      return [`\`${permission}\``, allows, operations.map(({ name }) => `\`${name}\``).join(', ')]
    }),
  )
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
export function limitsTable(): string {
  return table(
    ['operation', 'at most', 'without Redis', 'without PostgreSQL'],
    Object.entries<Policy>(LIMITS).map(([operation, policy]) => {
      const { redis, postgres, edge, withoutRedis, withoutPostgres } = policy
      const counted = [...ratesOf(redis, ''), ...ratesOf(postgres, ' ᴾ'), ...ratesOf(edge, ' ᴱ')]
      return [operation, counted.join(', '), withoutRedis, withoutPostgres]
    }),
  )
}

const ratesOf = (limits: Record<string, Limit> | undefined, where: string) =>
  Object.entries(limits ?? {}).map(([subject, { rate, seconds, spares }]) => {
    const spared = spares === undefined ? '' : ` (then only networks below ${spares})`
    return `${subject} ${rate}/${WINDOWS[seconds] ?? `${seconds} s`}${spared}${where}`
  })

const WINDOWS: Record<number, string> = { 60: 'min', 900: '15 min', 3600: 'h' }
