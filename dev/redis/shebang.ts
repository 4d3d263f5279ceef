/**
 * The optional first line of a script, `#!lua flags=…`. Refuses what Redis 7.0 refuses, except Upstash's own flag
 * `allow-key-locking`, which @upstash/ratelimit sends and which means nothing to an engine that runs one thing at a time.
 */
import { refuse } from './reply.ts'

const FLAGS = [
  'no-writes',
  'allow-oom',
  'allow-stale',
  'no-cluster',
  'allow-cross-slot-keys',
  'allow-key-locking',
]

/** `writes`: 'unstated' without the line. Redis then lets the caller decide. */
export type Shebang = { body: string; writes: 'allowed' | 'refused' | 'unstated' }

/** The body keeps the line break, so that positions in error messages stay right. */
export function parseShebang(source: string): Shebang {
  if (!source.startsWith('#!')) return { body: source, writes: 'unstated' }
  const end = source.indexOf('\n')
  if (end < 0) return refuse('ERR Invalid script shebang')
  const [engine, ...options] = source.slice(0, end).trimEnd().split(/\s+/)
  if (engine !== '#!lua') refuse(`ERR Unexpected engine in script shebang: ${engine}`)
  let writes: Shebang['writes'] = 'allowed'
  for (const option of options) {
    if (!option.startsWith('flags=')) refuse(`ERR Unknown lua shebang option: ${option}`)
    for (const flag of option.slice('flags='.length).split(',')) {
      if (flag !== '' && !FLAGS.includes(flag)) refuse(`ERR Unexpected flag in script shebang: ${flag}`)
      if (flag === 'no-writes') writes = 'refused'
    }
  }
  return { body: source.slice(end), writes }
}
