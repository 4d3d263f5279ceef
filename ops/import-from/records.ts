/**
 * The records of an export, whatever its file looks like: a JSON array, a JSON document with a list in it, one JSON object a line,
 * or CSV with a head (RFC 4180). Only files with one object a line are read as they come; a document is held whole.
 */
import { createReadStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { readLines } from '../import-lines.ts'

export type Fields = Record<string, unknown>

/** `text` is what stood there where it is no object, for the importer to refuse under its number. */
export type ExportRecord = { fields: Fields } | { text: string }

/** Enough for what a system writes of one person. */
const MAX_LINE_BYTES = 1024 * 1024

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @param listIn the members of a document that may have the list */
export async function* readRecords(file: string, listIn: readonly string[]): AsyncGenerator<ExportRecord> {
  const first = await firstLineOf(file)
  const line = objectIn(first)
  if (line && !listIn.some((name) => Array.isArray(line[name]))) {
    for await (const { bytes } of readLines(createReadStream(file), MAX_LINE_BYTES)) {
      const text = bytes === null ? 'too long' : Buffer.from(bytes).toString()
      if (text.trim() !== '') yield recordOf(text)
    }
    return
  }
  if (!/^\s*[[{]/.test(first)) {
    for (const fields of parseCsv(await readFile(file, 'utf8'))) yield { fields }
    return
  }
  const document = await readDocument(file)
  const list = Array.isArray(document) ? document : listIn.map((name) => document[name]).find(Array.isArray)
  if (!list)
    throw new Error(`the file has no list of users${listIn.length > 0 ? ` (${listIn.join(', ')})` : ''}`)
  for (const one of list) yield isObject(one) ? { fields: one } : { text: JSON.stringify(one) }
}

/** The whole file as JSON. @throws where it is none */
export async function readDocument(file: string): Promise<Fields | unknown[]> {
  const text = (await readFile(file, 'utf8')).replace(/^\ufeff/, '')
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value) || Array.isArray(value)) return value
  } catch {
    // the engine's message quotes the file
  }
  throw new Error('the file is neither JSON, nor one JSON object a line, nor CSV')
}

async function firstLineOf(file: string): Promise<string> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_LINE_BYTES), 0, MAX_LINE_BYTES, 0)
    const text = buffer
      .subarray(0, bytesRead)
      .toString()
      .replace(/^\ufeff/, '')
      .trimStart()
    return text.split('\n', 1)[0] ?? ''
  } finally {
    await handle.close()
  }
}

function objectIn(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null // it goes on in the next line, or is no JSON
  }
}

const recordOf = (text: string): ExportRecord => {
  const fields = objectIn(text.replace(/^\ufeff/, ''))
  return fields ? { fields } : { text }
}

/** Fields by the names in the first line. Quotes, doubled quotes and line breaks within them as RFC 4180 has them. */
function* parseCsv(text: string): Generator<Fields> {
  let head: string[] | null = null
  for (const row of rowsOf(text.replace(/^\ufeff/, ''))) {
    if (!head) head = row
    else if (row.length > 1 || row[0] !== '')
      yield Object.fromEntries(head.map((name, index) => [name, row[index] ?? '']))
  }
}

function* rowsOf(text: string): Generator<string[]> {
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy
  let row: string[] = []
  while (cell.lastIndex <= text.length) {
    const match = cell.exec(text)
    if (!match) throw new Error('the CSV is broken: a quote is not closed, or text follows it')
    const [, quoted, plain = '', end] = match
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === ',') continue
    yield row
    row = []
    if (end === '') return
  }
}
