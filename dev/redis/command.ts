/** How a command is described to the engine, and the refusals that several commands share. */
import type { Reply } from './reply.ts'
import { refuse } from './reply.ts'

export type Command = {
  /** As in Redis: the number of words with the command's own; negative for "at least". */
  arity: number
  /** Given the words after the command's name, as byte strings; their number has been checked against the arity. */
  run(...words: string[]): Reply
  /** What is refused beyond the arity before a transaction begins: unknown subcommands. */
  check?(...words: string[]): void
  /** Changes keys; refused in read-only scripts. */
  writes?: boolean
  /** Refused inside scripts. */
  notInScripts?: boolean
}

export type Commands = Record<string, Command>

export const SYNTAX_ERROR = 'ERR syntax error'

export function refuseSyntax(): never {
  return refuse(SYNTAX_ERROR)
}

export function refuseArity(command: string): never {
  return refuse(`ERR wrong number of arguments for '${command}' command`)
}

/** [a, b, c, d] → [[a, b], [c, d]]; refuses an odd number as a wrong number of arguments. */
export function inPairs(words: string[], command: string): [string, string][] {
  if (words.length % 2 !== 0) refuseArity(command)
  const pairs: [string, string][] = []
  for (let index = 0; index < words.length; index += 2)
    pairs.push([words[index] ?? '', words[index + 1] ?? ''])
  return pairs
}
