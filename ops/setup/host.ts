/** The example host and zone of wrangler.toml, and what an operator has in their place. */
import { readFileSync } from 'node:fs'
import { replaceFile } from './replace-file.ts'

/** What the repository ships with. The host ends in the zone, so it goes first. */
const EXAMPLE_HOST = /\bauth\.example\.com\b/g
const EXAMPLE_ZONE = /\bexample\.com\b/g

/** Comments may speak of examples. */
const isComment = (line: string) => line.trimStart().startsWith('#')

export const hasExamples = (file: string): boolean =>
  readFileSync(file, 'utf8')
    .split('\n')
    .some((line) => !isComment(line) && line.match(EXAMPLE_ZONE) !== null)

export function putHost(file: string, { host, zone }: { host: string; zone: string }): void {
  const put = (line: string) => line.replace(EXAMPLE_HOST, host).replace(EXAMPLE_ZONE, zone)
  const lines = readFileSync(file, 'utf8').split('\n')
  replaceFile(file, lines.map((line) => (isComment(line) ? line : put(line))).join('\n'))
}
