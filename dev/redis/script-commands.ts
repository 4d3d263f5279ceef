/** The commands that run, keep and forget scripts. */
import type { Commands } from './command.ts'
import type { Scripts } from './lua.ts'
import { requireInteger } from './numbers.ts'
import { OK, type Reply, refuse } from './reply.ts'

/** @param readOnly runs a script during which commands that write are refused */
export function scriptCommands(scripts: Scripts, readOnly: (run: () => Reply) => Reply): Commands {
  const evaluate = (source: string, keyCount: string, ...rest: string[]) => {
    const { keys, args } = splitKeys(keyCount, rest)
    return scripts.run(scripts.load(source), keys, args)
  }
  const evaluateSha = (sha: string, keyCount: string, ...rest: string[]) => {
    const { keys, args } = splitKeys(keyCount, rest)
    return scripts.run(sha.toLowerCase(), keys, args)
  }
  const command = (run: (...words: string[]) => Reply) => ({ arity: -3, notInScripts: true, run })
  return {
    EVAL: command(evaluate),
    EVALSHA: command(evaluateSha),
    EVAL_RO: command((...words) => readOnly(() => evaluate(...(words as Parameters<typeof evaluate>)))),
    EVALSHA_RO: command((...words) =>
      readOnly(() => evaluateSha(...(words as Parameters<typeof evaluateSha>))),
    ),
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
  const refuseCount = () =>
    refuse(`ERR wrong number of arguments for 'script|${subcommand.toLowerCase()}' command`)
  switch (subcommand.toUpperCase()) {
    case 'LOAD':
      return words.length === 1 && words[0] !== undefined ? scripts.load(words[0]) : refuseCount()
    case 'EXISTS':
      return words.length > 0 ? words.map((sha) => Number(scripts.has(sha.toLowerCase()))) : refuseCount()
    case 'FLUSH': {
      if (words.length > 1 || !['SYNC', 'ASYNC', undefined].includes(words[0]?.toUpperCase())) {
        refuse('ERR SCRIPT FLUSH only support SYNC|ASYNC option')
      }
      scripts.clear()
      return OK
    }
    default:
      return refuse(`ERR unknown subcommand '${subcommand.slice(0, 128)}'. Try SCRIPT HELP.`)
  }
}
