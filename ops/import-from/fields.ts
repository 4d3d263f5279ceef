/** What several mappers do with the fields of a record. */
import { type ExportRecord, type Fields, isObject, readRecords } from './records.ts'

/** The records of a file, mapped; what is no object is passed on. */
export async function* mapRecords(
  file: string,
  listIn: readonly string[],
  map: (fields: Fields) => Fields,
): AsyncGenerator<ExportRecord> {
  for await (const record of readRecords(file, listIn))
    yield 'text' in record ? record : { fields: map(record.fields) }
}

/** First and last name as one; null where there is neither. */
export function fullName(...parts: unknown[]): string | null {
  const said = parts.filter((part) => typeof part === 'string' && part !== '')
  return said.length === 0 ? null : said.join(' ')
}

export const objectsIn = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isObject) : [])

/** Fields without some. */
export function without(fields: Fields, ...names: string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))
}

/** For what is large or may be private, and is not imported: that it was there is enough for the warning. */
export function wasThere(fields: Fields, ...names: string[]): Fields {
  const said = (value: unknown) =>
    isObject(value) || Array.isArray(value) ? Object.keys(value).length > 0 : Boolean(value)
  return Object.fromEntries(names.filter((name) => said(fields[name])).map((name) => [name, true]))
}
