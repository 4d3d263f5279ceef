/** `setting=value` as an operator writes it, and settings as a table shows them. */
import { SETTING_BOUNDS, SETTING_CHOICES } from '../src/storage/setting-bounds.ts'
import { isWithin } from '../src/tenants/names.ts'
import {
  ORDERED_SETTINGS,
  requireTenantSettings,
  SETTING_DEFAULTS,
  type TenantSettings,
} from '../src/tenants/tenants.ts'

const bounds: Readonly<Record<string, { least: number; most: number }>> = SETTING_BOUNDS
const choices: Readonly<Record<string, readonly string[]>> = SETTING_CHOICES

/**
 * @param words e.g. `max_sessions=20`, `second_factor_roles=admin,editor`; `max_sessions=` is the default again
 * @throws names the setting and says what it may be
 */
export function changeSettings(before: unknown, words: readonly string[], issuer: string): TenantSettings {
  const settings = new Map(Object.entries(before ?? {}))
  for (const word of words) {
    const [, name = '', text = ''] = /^([a-z_]+)=(.*)$/s.exec(word) ?? []
    if (!(name in SETTING_DEFAULTS))
      throw new Error(
        `unknown setting ${name || word}; the settings are ${Object.keys(SETTING_DEFAULTS).join(', ')}`,
      )
    if (name === 'logo') throw new Error('the logo is set from a file: --logo <file>')
    if (text === '') settings.delete(name)
    else settings.set(name, parsedValue(name, text))
  }
  const changed: unknown = Object.fromEntries(settings)
  const named = words.map((word) => word.split('=')[0] ?? '')
  for (const name of named) requireOne(name, settings.get(name))
  return requireTogether(requireTenantSettings(changed), issuer)
}

const isList = (name: string) => Array.isArray(SETTING_DEFAULTS[name]) || name === 'passkey_origins'

function parsedValue(name: string, text: string): unknown {
  if (isList(name)) return text.split(',')
  if (typeof SETTING_DEFAULTS[name] === 'object' && SETTING_DEFAULTS[name] !== null)
    return parsedJson(name, text)
  return name in bounds ? Number(text) : text
}

function parsedJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${name} must be ${allowedFor(name)}`)
  }
}

function requireOne(name: string, value: unknown): void {
  if (value === undefined) return
  try {
    requireTenantSettings({ [name]: value })
  } catch {
    throw new Error(`${name} must be ${allowedFor(name)}`)
  }
}

/** What each may be is one thing; these are what two of them may be together. */
function requireTogether(settings: TenantSettings, issuer: string): TenantSettings {
  const { passkey_rp_id: domain } = settings
  if (domain !== undefined && !isWithin(domain, new URL(issuer).hostname))
    throw new Error(`passkey_rp_id must be the host of ${issuer}, or a domain above it`)
  const [less, more] = ORDERED_SETTINGS
  const counting: Record<string, unknown> = { ...SETTING_DEFAULTS, ...settings }
  if (Number(counting[less]) > Number(counting[more])) throw new Error(`${less} must be at most ${more}`)
  return settings
}

/** In words, for a table and for a refusal. */
export function allowedFor(name: string): string {
  const bound = bounds[name]
  if (bound) return `a whole number from ${bound.least} to ${bound.most}`
  const words = choices[name]
  if (words) return `one of ${words.join(', ')}`
  return DESCRIPTIONS[name] ?? 'a text'
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  audience: 'a text; the issuer unless given',
  locale: 'a language tag, e.g. de',
  change_password_url: 'an https address; our own page unless given',
  passkey_rp_id: "a domain; the issuer's host unless given",
  passkey_origins:
    'https origins, separated by commas; the issuer and the allowed origins of the domain unless given',
  second_factor_roles: 'roles, separated by commas',
  roles: 'JSON: {"support": ["orders:refund", "latchkey:webhooks:read"]}; of ours only those that there are',
  token_claims: 'JSON: {"plan": "private.plan", "customer": "external_id"}',
  api_key_scopes: 'permissions, separated by commas',
}

/** One row for each setting. */
export function settingRows(settings: unknown) {
  const given: Record<string, unknown> = { ...(settings as object) }
  return Object.entries(SETTING_DEFAULTS).map(([setting, fallback]) => ({
    setting,
    value: textOf(given[setting] ?? fallback),
    is: setting in given ? 'set' : 'default',
    allowed: allowedFor(setting),
  }))
}

const textOf = (value: unknown) =>
  value === null
    ? ''
    : Array.isArray(value)
      ? value.join(',')
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value)
