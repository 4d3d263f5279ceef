/**
 * `npm run import -- --from <system> <file>`: an export as the system documents it, as lines of our own import. Each mapper only
 * renames and gathers; what may be imported is decided there (src/admin/import-users.ts), and what is left out is named there.
 */
import { auth0 } from './auth0.ts'
import { betterAuth } from './better-auth.ts'
import { clerk } from './clerk.ts'
import { cognito } from './cognito.ts'
import { firebase } from './firebase.ts'
import { keycloak } from './keycloak.ts'
import type { ExportRecord, Fields } from './records.ts'
import { supabase } from './supabase.ts'

/** `rpId`: the domain that the other system made passkeys for, where its file does not say. */
export type MapOptions = { rpId: string | null }
export type Mapper = (file: string, options: MapOptions) => AsyncIterable<ExportRecord>

export const SYSTEMS = {
  auth0,
  clerk,
  supabase,
  firebase,
  cognito,
  keycloak,
  'better-auth': betterAuth,
} satisfies Record<string, Mapper>

export const isSystem = (name: string): name is keyof typeof SYSTEMS => Object.hasOwn(SYSTEMS, name)

/** One line for each person of the file, in its order: line 1 of a report is the first person. */
export async function* mapFile(
  system: keyof typeof SYSTEMS,
  file: string,
  options: MapOptions,
): AsyncGenerator<Uint8Array> {
  for await (const record of SYSTEMS[system](file, options)) {
    const line = 'text' in record ? record.text.replaceAll('\n', ' ') : JSON.stringify(compact(record.fields))
    yield Buffer.from(`${line}\n`)
  }
}

/** What is absent or null says nothing. */
const compact = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))
