/** The commands that run, keep and forget scripts. */
import { type Commands, refuseArity } from './command.ts'
import type { Scripts } from './lua.ts'
import { requireInteger } from './numbers.ts'
import { OK, type Reply, refuse } from './reply.ts'

export function scriptCommands(scripts: Scripts): Commands {
  return {
    EVAL: {
      arity: -3,
      notInScripts: true,
      run: (source, keyCount, ...rest) => {
        const { keys, args } = splitKeys(keyCount, rest) // refused before the script is compiled
        return scripts.run(scripts.load(source), keys, args)
      },
    },
    EVALSHA: {
      arity: -3,
      notInScripts: true,
      run: (sha, keyCount, ...rest) => {
        const { keys, args } = splitKeys(keyCount, rest)
        return scripts.run(sha.toLowerCase(), keys, args)
      },
    },
    SCRIPT: {
      arity: -2,
      notInScripts: true,
      run: (subcommand, ...words) => manage(scripts, subcommand, words),
    },
  }
}

function splitKeys(keyCount: string, rest: string[]): { keys: string[]; args: string[] } {
  const count = requireInteger(keyCount)
  if (count > rest.length) refuse("ERR Number of keys can't be greater than number of args")
  if (count < 0) refuse("ERR Number of keys can't be negative")
  return { keys: rest.slice(0, count), args: rest.slice(count) }
}

function manage(scripts: Scripts, subcommand: string, words: string[]): Reply {
  switch (subcommand.toUpperCase()) {
    case 'LOAD':
      return words.length === 1 ? scripts.load(words[0] ?? '') : refuseArity('script|load')
    case 'EXISTS':
      if (words.length === 0) refuseArity('script|exists')
      return words.map((sha) => Number(scripts.has(sha.toLowerCase())))
    case 'FLUSH':
      if (words.length > 0) refuse('ERR this engine knows no option of SCRIPT FLUSH')
      scripts.clear()
      return OK
    default:
      return refuse(`ERR unknown subcommand '${subcommand.slice(0, 128)}'. Try SCRIPT HELP.`)
  }
}
