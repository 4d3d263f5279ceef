/** The form of a new API key. */
import * as v from 'valibot'
import { DisplayName } from '../http/input.ts'
import { FORM_FIELDS } from './hosted.ts'

/** What the name of a box begins with: one for each scope, because a form has no field twice. */
export const SCOPE_FIELD = 'scope '

/** After how many days the key ends; without one it does not end by itself. */
export const KEY_DAYS = ['30', '90', '365'] as const

const FIELDS = { ...FORM_FIELDS, name: DisplayName, days: v.optional(v.picklist(KEY_DAYS)) }

const isKnown = (name: string) => Object.hasOwn(FIELDS, name) || name.startsWith(SCOPE_FIELD)

export const ApiKeyForm = v.pipe(
  v.objectWithRest(FIELDS, v.literal('on')),
  v.check((fields) => Object.keys(fields).every(isKnown), 'unknown_field'),
)

/** The scopes whose boxes are ticked. */
export const scopesIn = (form: v.InferOutput<typeof ApiKeyForm>): string[] =>
  Object.keys(form).flatMap((name) => (name.startsWith(SCOPE_FIELD) ? [name.slice(SCOPE_FIELD.length)] : []))
