/** The tables of settings: those of a Worker, those of a tenant, and the bindings. What each is for says the comment above it. */
import { readFileSync } from 'node:fs'
import { OPTIONAL_SECRETS, SECRETS, SETTING_SHAPE } from '../../src/settings.ts'
import { SETTING_DEFAULTS } from '../../src/tenants/tenants.ts'
import { allowedFor } from '../tenant-settings.ts'
import { cell, commentsIn, table } from './table.ts'

/** What of a schema of valibot a reader wants to know. */
type Readable = {
  type: string
  default?: unknown
  wrapped?: Readable
  options?: readonly string[]
  pipe?: readonly { type: string; requirement?: unknown }[]
}

const SECRET_NAMES: readonly string[] = [...SECRETS, ...OPTIONAL_SECRETS]

/** Name, what it is, default and bounds of each setting that a Worker reads. */
export function settingsTable(): string {
  const shape = Object.entries(SETTING_SHAPE.entries) as unknown as [string, Readable][] // valibot's own types hide what is in a pipe
  const says = commentsOf(
    'src/settings.ts',
    shape.map(([name]) => name),
  )
  return table(
    ['name', 'what', 'default', 'allowed'],
    shape.map(([name, schema]) => {
      const isSecret = SECRET_NAMES.includes(name) ? ' (secret)' : ''
      return [
        `\`${name}\``,
        `${cell(says.get(name) ?? '')}${isSecret}`,
        shown(schema.default),
        allowed(schema),
      ]
    }),
  )
}

function allowed({ wrapped }: Readable): string {
  if (wrapped?.options) return wrapped.options.map((option) => `\`${option}\``).join(', ')
  const bound = (type: string) => wrapped?.pipe?.find((step) => step.type === type)?.requirement
  const least = bound('min_value')
  const most = bound('max_value')
  return least === undefined ? '' : `${least} – ${most}`
}

/** Name, what it is, default and bounds of each member of `tenants.settings`. */
export function tenantSettingsTable(): string {
  const names = Object.keys(SETTING_DEFAULTS)
  const says = commentsOf('src/tenants/tenants.ts', names)
  return table(
    ['name', 'what', 'default', 'allowed'],
    names.map((name) => [
      `\`${name}\``,
      cell(says.get(name) ?? ''),
      shown(SETTING_DEFAULTS[name]),
      cell(allowedFor(name)),
    ]),
  )
}

/** What the platform gives a Worker besides: queues, mail, limiters. */
export function bindingsTable(): string {
  const text = readFileSync('src/bindings.ts', 'utf8')
  const names = [...text.matchAll(/^ {2}([A-Z_]+)\?:/gm)].map(([, name = '']) => name)
  const says = commentsIn(text, names, 'src/bindings.ts')
  return table(
    ['name', 'what'],
    names.map((name) => [`\`${name}\``, cell(says.get(name) ?? '')]),
  )
}

const commentsOf = (file: string, names: readonly string[]) =>
  commentsIn(readFileSync(file, 'utf8'), names, file)

function shown(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'object' && !Array.isArray(value)) return `\`${JSON.stringify(value)}\``
  return Array.isArray(value) ? value.map((one) => `\`${one}\``).join(', ') : `\`${value}\``
}
