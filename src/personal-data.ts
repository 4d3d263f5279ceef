/**
 * What every table holds about people, gathered. A capability with a table of its own adds one line here; the order is that
 * of the export. Rows go in the opposite one, so that what refers to others goes before them.
 */
import { accountsData } from './accounts/personal-data.ts'
import { apiKeysData } from './api-keys/personal-data.ts'
import { auditData } from './audit/personal-data.ts'
import { eventsData } from './events/personal-data.ts'
import { housekeepingData } from './housekeeping/personal-data.ts'
import { idempotencyData } from './idempotency/personal-data.ts'
import { keysData } from './keys/personal-data.ts'
import { mailerData } from './mailer/personal-data.ts'
import { mfaData } from './mfa/personal-data.ts'
import { oneTimeData } from './one-time/personal-data.ts'
import { passkeysData } from './passkeys/personal-data.ts'
import { passwordsData } from './passwords/personal-data.ts'
import { sessionsData } from './sessions/personal-data.ts'
import { signInData } from './sign-in/personal-data.ts'
import { socialData } from './social/personal-data.ts'
import type { Outlived, PersonalData, SecondFactor, Section, TableData } from './storage/personal-data.ts'
import { tenantsData } from './tenants/personal-data.ts'
import { webhooksData } from './webhooks/personal-data.ts'

const GATHERED = [
  tenantsData,
  accountsData,
  passwordsData,
  passkeysData,
  socialData,
  apiKeysData,
  sessionsData,
  signInData,
  mfaData,
  oneTimeData,
  mailerData,
  eventsData,
  idempotencyData,
  webhooksData,
  auditData,
  keysData,
  housekeepingData,
] as const satisfies readonly PersonalData[]

/** Each table with its data, what refers to others first. */
export const DECLARED: readonly (readonly [table: string, data: TableData])[] = GATHERED.flatMap(
  (data: PersonalData) => Object.entries(data),
)

/** The sections of the export, in order. */
export const SECTIONS: readonly (readonly [name: string, section: Section])[] = DECLARED.flatMap(
  ([, data]) => ('section' in data ? [data.section, ...(data.besides ?? [])] : []),
)

const ERASURES = DECLARED.flatMap(([table, data]) =>
  'erasure' in data ? [{ table, erasure: data.erasure }] : [],
)

/** The tables of what opens an account without a mail. */
export const CREDENTIALS: readonly string[] = ERASURES.flatMap(({ table, erasure }) =>
  erasure === 'credential' ? [table] : [],
)

/** What was bound to an account as a second factor. */
export const SECOND_FACTORS: readonly (SecondFactor & { table: string })[] = DECLARED.flatMap(
  ([table, data]) => ('secondFactor' in data && data.secondFactor ? [{ table, ...data.secondFactor }] : []),
)

/** What the statement that clears accounts does besides ending access. */
export const CLEARED = ERASURES.flatMap(({ erasure }) =>
  typeof erasure === 'object' && 'clears' in erasure ? [erasure.clears] : [],
)

/** Of which tables rows go after that, and how, in the order in which they go. */
export const DELETED = ERASURES.toReversed().flatMap(({ table, erasure }) =>
  typeof erasure === 'object' && 'deletes' in erasure ? [{ table, deletes: erasure.deletes }] : [],
)

/** Which rows the clean-up deletes, in the order in which they go; `kind` is what it calls them. */
export const OUTLIVED: readonly (Outlived & { kind: string; table: string })[] =
  DECLARED.toReversed().flatMap(([table, { outlived = {} }]) =>
    Object.entries(outlived).map(([kind, rows]) => ({ kind, table, ...rows })),
  )
