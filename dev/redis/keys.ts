/** Commands on keys of any type, and on the server. */
import { type Commands, refuseSyntax } from './command.ts'
import type { Keyspace } from './keyspace.ts'
import { OK, refuse } from './reply.ts'

export function keyCommands(keyspace: Keyspace): Commands {
  return {
    DEL: { arity: -2, run: (...keys) => keys.filter(keyspace.remove).length },
    EXISTS: { arity: -2, run: (...keys) => keys.filter((key) => keyspace.find(key) !== undefined).length },
    KEYS: { arity: 2, run: (pattern) => keyspace.keys().filter(matcherOf(pattern)) },
    DBSIZE: { arity: 1, run: () => keyspace.keys().length },
    FLUSHALL: {
      arity: -1,
      run: (...words) => {
        if (words.length > 0) refuseSyntax()
        keyspace.clear()
        return OK
      },
    },
    PING: {
      arity: -1,
      run: (...words) => {
        if (words.length > 1) refuse("ERR wrong number of arguments for 'ping' command")
        return words[0] ?? { status: 'PONG' }
      },
    },
  }
}

/** `*` is any text; the other signs of Redis's patterns are refused rather than read wrongly. */
function matcherOf(pattern: string): (key: string) => boolean {
  if (/[?[\\]/.test(pattern)) refuse('ERR this engine knows no sign but * in a pattern')
  const parts = pattern.split('*').map((part) => part.replace(/[.+^${}()|\]]/g, '\\$&'))
  const expression = new RegExp(`^${parts.join('.*')}$`, 's')
  return (key) => expression.test(key)
}
