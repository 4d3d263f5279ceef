/**
 * What a Redis command is given and answers, here and over the wire. Strings are byte strings inside this folder: one
 * character per byte, because Redis counts, sorts and matches bytes. `bytes` and `text` convert at its edge.
 */

/** An error reply; the message begins with its code, e.g. `WRONGTYPE …`. Thrown by commands, listed in replies. */
export class RedisError extends Error {}

/** A status reply such as `+OK`, which clients tell from the string "OK". */
export type Status = { status: string }

export type Reply = string | number | null | Status | RedisError | Reply[]

/** 'utf8': arguments and replies are text. 'bytes': they are byte strings and nothing is lost. */
export type Encoding = 'utf8' | 'bytes'

/** Both engines: the one in this process and a genuine server. */
export type RedisConnection = {
  /** Whether scripts may begin with Upstash's `#!lua flags=allow-key-locking`, which a genuine server refuses. */
  readonly readsUpstashScripts: boolean
  /** @throws RedisError what the command answered with; the reply may still list errors deeper down */
  exec(args: readonly string[], encoding?: Encoding): Promise<Reply>
  /** One transaction; failing commands are RedisErrors in the list. @throws RedisError when none was run */
  multi(commands: readonly (readonly string[])[], encoding?: Encoding): Promise<Reply[]>
}

export const OK: Status = { status: 'OK' }

export function refuse(message: string): never {
  throw new RedisError(message)
}

export function isStatus(reply: Reply): reply is Status {
  return typeof reply === 'object' && reply !== null && 'status' in reply
}

export function bytes(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

export function text(byteString: string): string {
  return isAscii(byteString) ? byteString : Buffer.from(byteString, 'latin1').toString('utf8')
}

/** What C prints of a string: all up to the first zero byte. */
export function untilZero(byteString: string): string {
  return byteString.split('\0', 1)[0] ?? ''
}

/** For error messages: a line break would end the reply on the wire. */
export function oneLine(message: string): string {
  return message.replace(/[\r\n]/g, ' ')
}

/** The reply with every string in it converted. */
export function mapStrings(reply: Reply, convert: (byteString: string) => string): Reply {
  if (typeof reply === 'string') return convert(reply)
  if (Array.isArray(reply)) return reply.map((item) => mapStrings(item, convert))
  if (reply instanceof RedisError) return new RedisError(convert(reply.message))
  return reply
}

/** Runs `work` and hands back the error reply instead of throwing it. */
export function attempt(work: () => Reply): Reply {
  try {
    return work()
  } catch (error) {
    if (error instanceof RedisError) return error
    throw error
  }
}

function isAscii(value: string): boolean {
  for (let index = 0; index < value.length; index++) if (value.charCodeAt(index) > 0x7f) return false
  return true
}
