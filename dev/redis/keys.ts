/** Commands on keys of any type, and on the server. */
import { type Commands, refuseSyntax } from './command.ts'
import { matchesGlob } from './glob.ts'
import type { Keyspace } from './keyspace.ts'
import { requireInteger } from './numbers.ts'
import { OK, type Reply, refuse } from './reply.ts'

export function keyCommands(keyspace: Keyspace): Commands {
  const remove = { arity: -2, writes: true, run: (...keys: string[]) => keys.filter(keyspace.remove).length }
  const count = (...keys: string[]) => keys.filter((key) => keyspace.find(key) !== undefined).length
  const clear = {
    arity: -1,
    writes: true,
    run: (...words: string[]) => {
      const mode = words[0]?.toUpperCase()
      if (words.length > 1 || (mode !== undefined && mode !== 'SYNC' && mode !== 'ASYNC')) refuseSyntax()
      keyspace.clear()
      return OK
    },
  }
  return {
    DEL: remove,
    UNLINK: remove,
    EXISTS: { arity: -2, run: count },
    TOUCH: { arity: -2, run: count },
    TYPE: { arity: 2, run: (key) => ({ status: keyspace.find(key)?.type ?? 'none' }) },
    RENAME: { arity: 3, writes: true, run: (from, to) => rename(keyspace, from, to) },
    KEYS: { arity: 2, run: (pattern) => keyspace.keys().filter((key) => matchesGlob(pattern, key)) },
    SCAN: { arity: -2, run: (cursor, ...words) => scan(keyspace, cursor, words) },
    DBSIZE: { arity: 1, run: () => keyspace.keys().length },
    FLUSHALL: clear,
    FLUSHDB: clear,
    PING: {
      arity: -1,
      run: (...words) => {
        if (words.length > 1) refuse("ERR wrong number of arguments for 'ping' command")
        return words[0] ?? { status: 'PONG' }
      },
    },
    ECHO: { arity: 2, run: (message) => message },
    TIME: {
      arity: 1,
      run: () => {
        const now = keyspace.now()
        return [String(Math.floor(now / 1000)), String(Math.floor((now % 1000) * 1000))]
      },
    },
  }
}

function rename(keyspace: Keyspace, from: string, to: string): Reply {
  const entry = keyspace.find(from) ?? refuse('ERR no such key')
  keyspace.remove(from)
  keyspace.put(to, entry)
  return OK
}

/** Everything in one page: the cursor that it answers with always says that nothing follows. */
function scan(keyspace: Keyspace, cursor: string, words: string[]): Reply {
  if (!/^\d{1,20}$/.test(cursor)) refuse('ERR invalid cursor')
  let pattern = '*'
  let type: string | undefined
  for (let index = 0; index < words.length; index += 2) {
    const [option, value] = [words[index]?.toUpperCase(), words[index + 1] ?? refuseSyntax()]
    if (option === 'MATCH') pattern = value
    else if (option === 'TYPE') type = value.toLowerCase()
    else if (option === 'COUNT') {
      if (requireInteger(value) < 1) refuseSyntax()
    } else refuseSyntax()
  }
  const isWanted = (key: string) =>
    matchesGlob(pattern, key) && (type === undefined || keyspace.find(key)?.type === type)
  return ['0', keyspace.keys().filter(isWanted)]
}
