/**
 * A Lua 5.1 interpreter (WebAssembly) and the stack operations that the script engine needs. Strings cross as byte
 * strings with their length, so that zero bytes and invalid UTF-8 survive. Trusts its callers to keep the stack even.
 */
import { createRequire } from 'node:module'

/** The address of a Lua thread: the main one, or a coroutine when a script calls out of one. */
export type LuaThread = number

export const LUA_TYPE = { nil: 0, boolean: 1, number: 3, string: 4, table: 5 } as const

const REGISTRY = -10_000

/** The part of Lua's C API in use. Addresses and the results of failing calls are plain numbers. */
type LuaModule = {
  HEAPU8: Uint8Array
  HEAPU32: Uint32Array
  addFunction(callback: (thread: LuaThread) => number, signature: 'ii'): number
  _malloc(byteCount: number): number
  _free(address: number): void
  _luaL_loadbuffer(thread: LuaThread, source: number, byteCount: number, name: number): number
  _luaL_ref(thread: LuaThread, table: number): number
  _luaL_unref(thread: LuaThread, table: number, reference: number): void
  _lua_checkstack(thread: LuaThread, slots: number): number
  _lua_createtable(thread: LuaThread, items: number, fields: number): void
  _lua_error(thread: LuaThread): number
  _lua_gettop(thread: LuaThread): number
  _lua_pcall(thread: LuaThread, argumentCount: number, resultCount: number, handler: number): number
  _lua_pushboolean(thread: LuaThread, value: number): void
  _lua_pushcclosure(thread: LuaThread, callback: number, upvalues: number): void
  _lua_pushlstring(thread: LuaThread, address: number, byteCount: number): void
  _lua_pushnumber(thread: LuaThread, value: number): void
  _lua_rawget(thread: LuaThread, table: number): void
  _lua_rawgeti(thread: LuaThread, table: number, index: number): void
  _lua_rawset(thread: LuaThread, table: number): void
  _lua_rawseti(thread: LuaThread, table: number, index: number): void
  _lua_settop(thread: LuaThread, top: number): void
  _lua_toboolean(thread: LuaThread, index: number): number
  _lua_tolstring(thread: LuaThread, index: number, lengthAddress: number): number
  _lua_tonumber(thread: LuaThread, index: number): number
  _lua_type(thread: LuaThread, index: number): number
}

type LuaApi = {
  module: LuaModule
  luaL_newstate(): LuaThread
  luaL_openlibs(thread: LuaThread): void
}

export type LuaState = Awaited<ReturnType<typeof createLuaState>>

export async function createLuaState() {
  // Its "import" is a CommonJS bundle, and its types describe only the object API on top of this one.
  const { LuaApi } = createRequire(import.meta.url)('wasmoon-lua5.1') as {
    LuaApi: { initialize(): Promise<LuaApi> }
  }
  const api = await LuaApi.initialize()
  const lua = api.module
  const main = api.luaL_newstate()
  api.luaL_openlibs(main)
  const lengthAddress = lua._malloc(4)

  /** Lends `use` the bytes inside Lua's memory. */
  const withBytes = <T>(byteString: string, use: (address: number, byteCount: number) => T): T => {
    const address = lua._malloc(byteString.length + 1)
    Buffer.from(lua.HEAPU8.buffer, address, byteString.length).write(byteString, 'latin1')
    lua.HEAPU8[address + byteString.length] = 0
    try {
      return use(address, byteString.length)
    } finally {
      lua._free(address)
    }
  }

  const readString = (thread: LuaThread, index: number): string => {
    const address = lua._lua_tolstring(thread, index, lengthAddress)
    const byteCount = lua.HEAPU32[lengthAddress >> 2] ?? 0
    return Buffer.from(lua.HEAPU8.buffer, address, byteCount).toString('latin1')
  }

  const pushString = (thread: LuaThread, byteString: string) =>
    withBytes(byteString, (address, byteCount) => lua._lua_pushlstring(thread, address, byteCount))

  return {
    main,
    pushString,
    readString,
    readNumber: (thread: LuaThread, index: number) => lua._lua_tonumber(thread, index),
    readBoolean: (thread: LuaThread, index: number) => lua._lua_toboolean(thread, index) !== 0,
    typeAt: (thread: LuaThread, index: number) => lua._lua_type(thread, index),
    height: (thread: LuaThread) => lua._lua_gettop(thread),
    setHeight: (thread: LuaThread, height: number) => lua._lua_settop(thread, height),
    drop: (thread: LuaThread, count: number) => lua._lua_settop(thread, -count - 1),
    /** @returns false when the stack cannot grow that far */
    reserve: (thread: LuaThread, slots: number) => lua._lua_checkstack(thread, slots) !== 0,
    pushNumber: (thread: LuaThread, value: number) => lua._lua_pushnumber(thread, value),
    pushBoolean: (thread: LuaThread, value: boolean) => lua._lua_pushboolean(thread, Number(value)),
    pushTable: (thread: LuaThread, items: number, fields: number) =>
      lua._lua_createtable(thread, items, fields),
    /** Takes the value on top into the table below it, at a 1-based index. */
    setItem: (thread: LuaThread, index: number) => lua._lua_rawseti(thread, -2, index),
    /** Pushes an item of the table on top. */
    getItem: (thread: LuaThread, index: number) => lua._lua_rawgeti(thread, -1, index),
    /** Takes key and value on top into the table below them. */
    setField: (thread: LuaThread) => lua._lua_rawset(thread, -3),
    /** Pushes a field of the table on top. */
    getField: (thread: LuaThread, name: string) => {
      pushString(thread, name)
      lua._lua_rawget(thread, -2)
    },
    /** Raises the value on top as an error, out of a callback: does not return. */
    raise: (thread: LuaThread) => lua._lua_error(thread),
    /** @param callback finds its arguments on the thread's stack and answers how many results it pushed */
    pushFunction: (callback: (thread: LuaThread) => number) =>
      lua._lua_pushcclosure(main, lua.addFunction(callback, 'ii'), 0),
    /** Pushes the compiled chunk, or its error message. @returns whether it compiled */
    compile: (source: string, name: string): boolean =>
      withBytes(name, (nameAddress) =>
        withBytes(source, (address, size) => lua._luaL_loadbuffer(main, address, size, nameAddress) === 0),
      ),
    /** Takes the value on top off the stack and keeps it. */
    keep: (): number => lua._luaL_ref(main, REGISTRY),
    forget: (reference: number) => lua._luaL_unref(main, REGISTRY, reference),
    pushKept: (reference: number) => lua._lua_rawgeti(main, REGISTRY, reference),
    /** @param handler absolute stack index of a function that is given the error. @returns whether it succeeded */
    call: (argumentCount: number, resultCount: number, handler: number): boolean =>
      lua._lua_pcall(main, argumentCount, resultCount, handler) === 0,
  }
}
