/** The commands that run, keep and forget scripts. */
import { type Commands, refuseArity } from './command.ts'
import type { Scripts } from './lua.ts'
import { requireInteger } from './numbers.ts'
import { OK, type Reply, refuse } from './reply.ts'

/** @param readOnly runs a script during which commands that write are refused */
export function scriptCommands(scripts: Scripts, readOnly: (run: () => Reply) => Reply): Commands {
  const run = (sha: string, keyCount: string, rest: string[], mayWrite: boolean): Reply => {
    const { keys, args } = splitKeys(keyCount, rest)
    const writes = scripts.writesOf(sha)
    if (!mayWrite && writes === 'allowed') {
      refuse('ERR Can not execute a script with write flag using *_ro command.')
    }
    const runIt = () => scripts.run(sha, keys, args)
    return mayWrite && writes !== 'refused' ? runIt() : readOnly(runIt)
  }
  const evaluate = (mayWrite: boolean) => ({
    arity: -3,
    notInScripts: true,
    run: (source: string, keyCount: string, ...rest: string[]) => {
      splitKeys(keyCount, rest) // refused before the script is compiled
      return run(scripts.load(source), keyCount, rest, mayWrite)
    },
  })
  const evaluateSha = (mayWrite: boolean) => ({
    arity: -3,
    notInScripts: true,
    run: (sha: string, keyCount: string, ...rest: string[]) =>
      run(sha.toLowerCase(), keyCount, rest, mayWrite),
  })
  return {
    EVAL: evaluate(true),
    EVAL_RO: evaluate(false),
    EVALSHA: evaluateSha(true),
    EVALSHA_RO: evaluateSha(false),
    SCRIPT: {
      arity: -2,
      notInScripts: true,
      check: (subcommand, ...words) => checkSubcommand(subcommand, words.length),
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

function checkSubcommand(subcommand: string, wordCount: number) {
  const name = subcommand.toLowerCase()
  const counts = { load: wordCount === 1, exists: wordCount > 0, flush: true }
  const isRight = Object.entries(counts).find(([known]) => known === name)?.[1]
  if (isRight === undefined) refuse(`ERR unknown subcommand '${subcommand.slice(0, 128)}'. Try SCRIPT HELP.`)
  if (!isRight) refuseArity(`script|${name}`)
}

function manage(scripts: Scripts, subcommand: string, words: string[]): Reply {
  switch (subcommand.toUpperCase()) {
    case 'LOAD':
      return scripts.load(words[0] ?? '')
    case 'EXISTS':
      return words.map((sha) => Number(scripts.has(sha.toLowerCase())))
    default: // FLUSH; checkSubcommand knows no other
      if (words.length > 1 || !['SYNC', 'ASYNC', undefined].includes(words[0]?.toUpperCase())) {
        refuse('ERR SCRIPT FLUSH only support SYNC|ASYNC option')
      }
      scripts.clear()
      return OK
  }
}
