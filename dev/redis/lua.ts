/**
 * Runs scripts in the sandbox and translates between Lua values and Redis replies as Redis 7.0 does.
 * A script that never ends is not stopped. Lua's own errors become error replies; an error of ours is thrown.
 */
import { createHash } from 'node:crypto'
import { SANDBOX, SANDBOX_NAME } from './lua-sandbox.ts'
import { createLuaState, LUA_TYPE, type LuaState, type LuaThread } from './lua-state.ts'
import { formatDouble } from './numbers.ts'
import { attempt, isStatus, oneLine, RedisError, type Reply, refuse } from './reply.ts'

/** Runs one command for a script. */
export type CallCommand = (words: string[]) => Reply

export type Scripts = Awaited<ReturnType<typeof createScripts>>

const MAX_DEPTH = 100
const STACK_SLOTS_PER_LEVEL = 4

export async function createScripts(callCommand: CallCommand) {
  const lua = await createLuaState()
  const compiled = new Map<string, number>()
  let fault: unknown
  const invoke = (thread: LuaThread): Reply =>
    attempt(() => {
      try {
        return callCommand(readWords(lua, thread))
      } catch (error) {
        if (error instanceof RedisError) throw error
        fault = error // not through Lua: kept until the script has ended
        throw new RedisError('ERR internal')
      }
    })
  const sandbox = openSandbox(lua, invoke)

  return {
    /** Compiles once. @returns the SHA-1 that EVALSHA takes. Refuses what does not compile. */
    load: (source: string): string => {
      const sha = sha1Hex(source)
      if (!compiled.has(sha)) compiled.set(sha, compile(lua, source))
      return sha
    },
    has: (sha: string): boolean => compiled.has(sha),
    clear: () => {
      for (const reference of compiled.values()) lua.forget(reference)
      compiled.clear()
    },
    run: (sha: string, keys: string[], args: string[]): Reply => {
      const reference = compiled.get(sha) ?? refuse('NOSCRIPT No matching script. Please use EVAL.')
      lua.pushKept(sandbox.explain)
      lua.pushKept(sandbox.run)
      lua.pushKept(reference)
      pushReply(lua, lua.main, keys)
      pushReply(lua, lua.main, args)
      try {
        const succeeded = lua.call(3, 1, 1)
        if (fault !== undefined) throw fault
        return succeeded ? popReply(lua, 0) : refuse(popErrorMessage(lua, sha))
      } finally {
        fault = undefined
        lua.setHeight(lua.main, 0)
      }
    },
  }
}

function openSandbox(lua: LuaState, invoke: (thread: LuaThread) => Reply) {
  if (!lua.compile(SANDBOX, SANDBOX_NAME)) throw new Error(lua.readString(lua.main, -1))
  lua.pushFunction((thread) => {
    const reply = invoke(thread)
    pushReply(lua, thread, reply)
    return reply instanceof RedisError ? lua.raise(thread) : 1
  })
  lua.pushFunction((thread) => {
    pushReply(lua, thread, invoke(thread))
    return 1
  })
  if (!lua.call(2, 2, 0)) throw new Error(lua.readString(lua.main, -1))
  const explain = lua.keep()
  const run = lua.keep()
  return { run, explain }
}

/**
 * The optional first line of a script; only Upstash's own flag is known, which lets it lock the script's keys alone and
 * means nothing to an engine that runs one thing at a time.
 */
const KEY_LOCKING = '#!lua flags=allow-key-locking\n'

/** @returns the reference of what it kept */
function compile(lua: LuaState, source: string): number {
  if (source.startsWith('#!') && !source.startsWith(KEY_LOCKING))
    refuse('ERR this engine knows no other first line of a script than allow-key-locking')
  // The line break stays, so that positions in error messages stay right.
  const body = source.startsWith(KEY_LOCKING) ? source.slice(KEY_LOCKING.length - 1) : source
  if (lua.compile(body, '@user_script')) return lua.keep()
  const message = lua.readString(lua.main, -1)
  lua.setHeight(lua.main, 0)
  return refuse(oneLine(`ERR Error compiling script (new function): ${message}`))
}

function readWords(lua: LuaState, thread: LuaThread): string[] {
  const words: string[] = []
  for (let index = 1; index <= lua.height(thread); index++) {
    const type = lua.typeAt(thread, index)
    if (type === LUA_TYPE.number) words.push(formatDouble(lua.readNumber(thread, index)))
    else if (type === LUA_TYPE.string) words.push(lua.readString(thread, index))
    else refuse('ERR Lua redis lib command arguments must be strings or integers')
  }
  return words.length > 0 ? words : refuse('ERR Please specify at least one argument for this redis lib call')
}

/** Null becomes false, a status `{ok}`, an error `{err}`. */
function pushReply(lua: LuaState, thread: LuaThread, reply: Reply) {
  if (!lua.reserve(thread, STACK_SLOTS_PER_LEVEL)) throw new Error('redis: Lua is out of stack')
  if (reply === null) lua.pushBoolean(thread, false)
  else if (typeof reply === 'number') lua.pushNumber(thread, reply)
  else if (typeof reply === 'string') lua.pushString(thread, reply)
  else if (Array.isArray(reply)) {
    lua.pushTable(thread, reply.length, 0)
    for (const [index, item] of reply.entries()) {
      pushReply(lua, thread, item)
      lua.setItem(thread, index + 1)
    }
  } else {
    lua.pushTable(thread, 0, 1)
    lua.pushString(thread, isStatus(reply) ? 'ok' : 'err')
    lua.pushString(thread, isStatus(reply) ? reply.status : reply.message)
    lua.setField(thread)
  }
}

/** Takes the value on top: false and functions become null, numbers lose their fraction, tables end at the first nil. */
function popReply(lua: LuaState, depth: number): Reply {
  const thread = lua.main
  if (depth > MAX_DEPTH || !lua.reserve(thread, STACK_SLOTS_PER_LEVEL)) {
    lua.drop(thread, 1)
    return new RedisError('ERR reached lua stack limit')
  }
  const type = lua.typeAt(thread, -1)
  if (type === LUA_TYPE.table) return popTable(lua, depth)
  let reply: Reply = null
  if (type === LUA_TYPE.boolean) reply = lua.readBoolean(thread, -1) ? 1 : null
  else if (type === LUA_TYPE.number) reply = toInt64(lua.readNumber(thread, -1))
  else if (type === LUA_TYPE.string) reply = lua.readString(thread, -1)
  lua.drop(thread, 1)
  return reply
}

function popTable(lua: LuaState, depth: number): Reply {
  const thread = lua.main
  const error = fieldText(lua, 'err')
  const status = error === undefined ? fieldText(lua, 'ok') : undefined
  if (error !== undefined || status !== undefined) {
    lua.drop(thread, 1)
    return error === undefined ? { status: oneLine(status ?? '') } : raiseAtTop(error, depth)
  }
  const items: Reply[] = []
  for (let index = 1; ; index++) {
    lua.getItem(thread, index)
    if (lua.typeAt(thread, -1) <= LUA_TYPE.nil) break
    items.push(popReply(lua, depth + 1))
  }
  lua.drop(thread, 2)
  return items
}

function raiseAtTop(message: string, depth: number): RedisError {
  const error = new RedisError(oneLine(message))
  if (depth === 0) throw error
  return error
}

/** C's conversion on x86: whatever does not fit becomes the smallest number. */
function toInt64(value: number): number {
  return Math.abs(value) < 2 ** 63 ? Math.trunc(value) + 0 : -(2 ** 63) // + 0: never -0
}

/** The error that `explain` made. */
function popErrorMessage(lua: LuaState, sha: string): string {
  const message = fieldText(lua, 'err') ?? 'ERR unknown error'
  const source = fieldText(lua, 'source')
  const line = fieldText(lua, 'line')
  return oneLine(source && line ? `${message} script: ${sha}, on ${source}:${line}.` : message)
}

function fieldText(lua: LuaState, name: string): string | undefined {
  lua.getField(lua.main, name)
  const value = lua.typeAt(lua.main, -1) === LUA_TYPE.string ? lua.readString(lua.main, -1) : undefined
  lua.drop(lua.main, 1)
  return value
}

function sha1Hex(byteString: string): string {
  return createHash('sha1').update(byteString, 'latin1').digest('hex')
}
