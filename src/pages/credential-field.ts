/** What a passkey made or signed, as a form carries it: JSON in a field that the script fills in. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { parseJson } from '../http/json.ts'

const MAX_CHARACTERS = 12_000
const MAX_DEPTH = 6

const readValue = (written: string): unknown => {
  const parsed = parseJson(written, MAX_DEPTH)
  return 'value' in parsed ? parsed.value : null
}

export const credentialField = <Schema extends v.GenericSchema<unknown, unknown>>(schema: Schema) =>
  v.pipe(text(MAX_CHARACTERS), v.transform(readValue), schema)
