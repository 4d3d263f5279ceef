/** A setting as a person reads and types it. What it may be is said by the operation that changes it. */
import { SETTING_CHOICES } from '../storage/setting-bounds.ts'
import { SETTING_DEFAULTS } from '../tenants/tenants.ts'

/** Those of a list are separated by blanks, which none of them has. */
export function settingText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.join(' ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The other way round; what was left empty is the default again. */
export function settingTyped(name: string, typed: string): unknown {
  const value = typed.trim()
  if (value === '') return null
  const fallback = SETTING_DEFAULTS[name]
  if (Array.isArray(fallback)) return value.split(/\s+/)
  if (typeof fallback === 'number') return /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof fallback === 'boolean') return value === 'true' || (value === 'false' ? false : value)
  return value
}

/** What may be chosen, where a setting is one of a few. */
export function choicesOf(name: string): readonly string[] | null {
  if (typeof SETTING_DEFAULTS[name] === 'boolean') return ['true', 'false']
  const choices: Readonly<Record<string, readonly string[]>> = SETTING_CHOICES
  return Object.hasOwn(choices, name) ? (choices[name] ?? null) : null
}
