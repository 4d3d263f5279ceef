/** How a command is described to the engine, and the refusals that several commands share. */
import type { Reply } from './reply.ts'
import { refuse } from './reply.ts'

export type Command = {
  /** As in Redis: the number of words with the command's own; negative for "at least". */
  arity: number
  /** Given the words after the command's name, as byte strings; their number has been checked against the arity. */
  run(...words: string[]): Reply
  /** Refused inside scripts. */
  notInScripts?: boolean
}

export type Commands = Record<string, Command>

export function refuseSyntax(): never {
  return refuse('ERR syntax error')
}

export function refuseArity(command: string): never {
  return refuse(`ERR wrong number of arguments for '${command}' command`)
}
