/**
 * Upstash's scripts on a genuine redis-server. They may begin with `#!lua flags=allow-key-locking`, a flag that only
 * Upstash knows: it is taken out before the server sees it, and callers go on naming the script by the original's SHA-1.
 */
import { createHash } from 'node:crypto'
import { bytes, type Encoding, type RedisConnection } from './reply.ts'

export function withUpstashScripts(connection: RedisConnection): RedisConnection {
  if (connection.readsUpstashScripts) return connection
  const servedAs = new Map<string, string>()
  const originals = new Map<string, string>()

  const sourceFor = (source: string, encoding: Encoding): string => {
    const served = withoutKeyLocking(source)
    if (served !== source) {
      servedAs.set(sha1Hex(source, encoding), sha1Hex(served, encoding))
      originals.set(sha1Hex(served, encoding), sha1Hex(source, encoding))
    }
    return served
  }
  const shaFor = (sha: string) => servedAs.get(sha.toLowerCase()) ?? sha

  const translate = (args: readonly string[], encoding: Encoding): readonly string[] => {
    const [name = '', subject = '', ...rest] = args
    switch (name.toUpperCase()) {
      case 'EVAL':
      case 'EVAL_RO':
        return [name, sourceFor(subject, encoding), ...rest]
      case 'EVALSHA':
      case 'EVALSHA_RO':
        return [name, shaFor(subject), ...rest]
      case 'SCRIPT':
        if (subject.toUpperCase() === 'EXISTS') return [name, subject, ...rest.map(shaFor)]
        if (subject.toUpperCase() === 'LOAD') {
          return [name, subject, ...rest.map((source) => sourceFor(source, encoding))]
        }
        return args
      default:
        return args
    }
  }
  const isLoad = (args: readonly string[]) => /^script$/i.test(args[0] ?? '') && /^load$/i.test(args[1] ?? '')

  return {
    readsUpstashScripts: true,
    exec: async (args, encoding = 'utf8') => {
      const reply = await connection.exec(translate(args, encoding), encoding)
      return isLoad(args) && typeof reply === 'string' ? (originals.get(reply) ?? reply) : reply
    },
    multi: (commands, encoding = 'utf8') =>
      connection.multi(
        commands.map((args) => translate(args, encoding)),
        encoding,
      ),
  }
}

/** Other flags stay, and so does the line break, for the positions in error messages. */
function withoutKeyLocking(source: string): string {
  const [shebang = ''] = /^#!lua[^\n]*/.exec(source) ?? []
  const flags = /flags=(\S*)/.exec(shebang)?.[1]?.split(',') ?? []
  if (!flags.includes('allow-key-locking')) return source
  const others = flags.filter((flag) => flag !== 'allow-key-locking')
  return (others.length > 0 ? `#!lua flags=${others.join(',')}` : '') + source.slice(shebang.length)
}

function sha1Hex(source: string, encoding: Encoding): string {
  const byteString = encoding === 'bytes' ? source : bytes(source)
  return createHash('sha1').update(byteString, 'latin1').digest('hex')
}
