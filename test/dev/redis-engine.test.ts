/** What the engine in this process promises beyond Redis's own answers: its data as text, its clock, its edges. */
import { beforeEach, describe, expect, test } from 'vitest'
import { createRedisEngine, type RedisEngine } from '../../dev/redis/engine.ts'
import { RedisError } from '../../dev/redis/reply.ts'

let now: number
let engine: RedisEngine

beforeEach(async () => {
  now = Date.UTC(2026, 10, 21)
  engine = await createRedisEngine({ now: () => now })
})

describe('a snapshot', () => {
  const everything = [
    ['SET', 'string', 'é✓'],
    ['SET', 'expiring', 'v', 'PX', '1000'],
    ['RPUSH', 'list', 'b', 'a', 'b'],
    ['ZINCRBY', 'zset', '0.1', 'middle'],
    ['ZINCRBY', 'zset', '-2', 'low'],
  ]
  const reading = [
    ['GET', 'string'],
    ['PTTL', 'expiring'],
    ['LRANGE', 'list', '0', '-1'],
    ['ZRANGE', 'zset', '0', '-1', 'WITHSCORES'],
  ]

  test('brings everything back into another engine', async () => {
    await engine.multi(everything)
    await engine.exec(['SET', '\x00\xff', '\xfe\r\n'], 'bytes')
    const before = await engine.multi(reading)
    const other = await createRedisEngine({ now: () => now })
    await other.exec(['SET', 'older', 'v'])
    other.restore(engine.snapshot())
    expect(await other.multi(reading)).toEqual(before)
    expect(await other.exec(['GET', '\x00\xff'], 'bytes')).toBe('\xfe\r\n')
    expect(await other.exec(['GET', 'older'])).toBeNull()
  })

  test('does not bring back what expired in the meantime', async () => {
    await engine.multi(everything)
    const snapshot = engine.snapshot()
    now += 1000
    engine.restore(snapshot)
    expect(await engine.exec(['EXISTS', 'expiring', 'string'])).toBe(1)
  })

  test('of another version is refused', () => {
    expect(() => engine.restore('{"version":0,"keys":[]}')).toThrow('not a snapshot of version 1')
  })
})

describe('the clock', () => {
  test.each([
    ['EX', '1'],
    ['PX', '1000'],
  ])('ends a key that was set with %s %s after exactly a second', async (unit, amount) => {
    await engine.exec(['SET', 'k', 'v', unit, amount])
    now += 999
    expect(await engine.multi([['GET', 'k'], ['PTTL', 'k'], ['KEYS', '*'], ['DBSIZE']])).toEqual([
      'v',
      1,
      ['k'],
      1,
    ])
    now += 1
    expect(await engine.multi([['GET', 'k'], ['PTTL', 'k'], ['KEYS', '*'], ['DBSIZE']])).toEqual([
      null,
      -2,
      [],
      0,
    ])
  })

  test('does not move while a script runs', async () => {
    const ticking = await createRedisEngine({ now: () => now++ })
    const script = `redis.call('SET', KEYS[1], 'v', 'PX', '2')
      for i = 1, 10 do redis.call('EXISTS', 'x') end
      return redis.call('PTTL', KEYS[1])`
    expect(await ticking.exec(['EVAL', script, '1', 'k'])).toBe(2)
  })
})

describe('the engine', () => {
  test('refuses commands that it does not have, rather than pretend', async () => {
    await expect(engine.exec(['XADD', 's', '*', 'f', 'v'])).rejects.toThrow("ERR unknown command 'XADD'")
    for (const command of [
      ['ZRANGE', 'z', '-', '+', 'BYLEX'],
      ['SET', 'k', 'v', 'KEEPTTL'],
      ['EXPIRE', 'k', '1', 'NX'],
      ['KEYS', 'k?'],
      ['EVAL', '#!lua flags=no-writes\nreturn 1', '0'],
    ])
      await expect(engine.exec(command), command.join(' ')).rejects.toBeInstanceOf(RedisError)
  })

  test('runs no other command in between the commands of one script or transaction', async () => {
    const increments = Array.from({ length: 50 }, () => [
      engine.exec([
        'EVAL',
        "local n = redis.call('GET', 'n') or 0 redis.call('SET', 'n', n + 1) return n + 1",
        '0',
      ]),
      engine.multi([
        ['GET', 'n'],
        ['INCR', 'n'],
      ]),
    ])
    await Promise.all(increments.flat())
    expect(await engine.exec(['GET', 'n'])).toBe('100')
  })

  test("keeps nothing of a script's for the next one", async () => {
    await engine.exec(['EVAL', "rawset(_G, 'left', 1) getmetatable('').__index = nil", '0']).catch(() => null)
    await expect(engine.exec(['EVAL', 'return left', '0'])).rejects.toThrow('nonexistent global variable')
    expect(await engine.exec(['EVAL', "return ('x'):rep(3)", '0'])).toBe('xxx')
    await expect(engine.exec(['EVAL', 'string.rep = nil', '0'])).rejects.toThrow('readonly table')
  })

  test('survives scripts that use up the stack', async () => {
    const recursion = 'local function f() return 1 + f() end return f()'
    await expect(engine.exec(['EVAL', recursion, '0'])).rejects.toThrow('stack overflow')
    await expect(engine.exec(['EVAL', 'local t = {} t[1] = t return t', '0'])).resolves.toBeInstanceOf(Array)
    expect(await engine.exec(['EVAL', 'return 1', '0'])).toBe(1)
  })
})
