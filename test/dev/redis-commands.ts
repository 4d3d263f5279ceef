/**
 * Random Redis commands, right and wrong ones, over few keys so that they meet. Words are byte strings. No answer
 * depends on how many milliseconds lie between two commands: amounts of time are in the past, or distinct and long.
 */
import type { Random } from './random.ts'

export type RandomCommands = ReturnType<typeof createRandomCommands>

const KEYS = ['a', 'b', 'c', 'd', 'aa', '\xc3\xa9', '\xe2\x9c\x93', '\x00\xff', 'a*', '[x]', 'a\r\nb', '']
const FIELDS = ['f', 'g', '\xc3\xa9', '\xff']
const VALUES =
  '1|2|-3|x||OK|1.5|99999999999|\xc3\xa9\xe2\x9c\x93|01| 1|3.0e2|9007199254740000|9223372036854775807|-9223372036854775808|-0|\x00\xff\r\n|hello'.split(
    '|',
  )
const INTEGERS = '0|1|2|-1|5|10|x|1.5||9223372036854775807|-9223372036854775808|9223372036854775808'.split(
  '|',
)
const INDEXES = '0|1|2|-1|-2|5|-100|100|x|1.5'.split('|')
const SCORES =
  '1|2.5|-1|x|inf|-inf|3|0.1|1e20|-0|1e-7|nan|0x10|+5|1e400|.5|1.|1e17|123456789.123456789'.split('|')
const BOUNDS = '-inf|+inf|(1|1|(3|2|x|(x|(-inf|0.1|(|'.split('|')
const MEMBERS = ['m', 'n', 'o', '\xc3\xa9', '\xff', '']
const GLOBS =
  '*|?|??|???|[ab]|x*|[^a]|a|a*|*a|\xc3\xa9|\xc3?|[\xc3]?|*\xff|[^\xff]*|[a-\xff]|[a-c]|[c-a]*|a\\*|\\[x\\]|[|[a|[]|[^|a\\|[a-|[\\a]|***a|[^]|?*?|*[\xa9]|\x00*|*\n*|'.split(
    '|',
  )
const PAST = ['0', '1', '-1', '-5', '1000', '1600000000', '-9223372036854775808']
const SECONDS = [
  ...PAST,
  '4102444800',
  '4102444801',
  '9223372036854775',
  '9223372036854776',
  '-9223372036854776',
]
const MILLISECONDS = [...PAST, '4102444800000', '4102444800001', '9223372036854775807', '9223372036854775808']
const WRONG_AMOUNTS = [
  'x',
  '',
  '1.5',
  '0',
  '-1',
  '-9223372036854775808',
  '9223372036854775807',
  '9223372036854775',
]
const SCRIPTS = [
  'return redis.call("GET",KEYS[1])',
  'return {redis.call("TYPE",KEYS[1]),ARGV[1]}',
  'return redis.pcall("INCRBY",KEYS[1],ARGV[1])',
  'return redis.call("INCRBY",KEYS[1],ARGV[1])',
  'local r = redis.call("INCRBY",KEYS[1],ARGV[1])\nreturn r',
  'local l = redis.call("HGETALL",KEYS[1]) table.sort(l) return l',
  'return {1.9,-1.9,"a",true,false,"z"}',
  'return redis.call("SET",KEYS[1],10/4)',
  'return redis.call("SET",KEYS[1],1e15)',
  'return redis.call("SET",KEYS[1],0.1)',
  'return redis.call("SET",KEYS[1],1e17)',
  'return redis.call("SET",KEYS[1],-0.5e-9)',
  'return redis.call("SET",KEYS[1],tonumber(ARGV[1]) or "nan")',
  'return tostring(10/2)',
  'return ARGV[1]..1e20',
  'return {#KEYS,#ARGV[1],ARGV[1]:byte(1,-1)}',
  'return {err="MY custom"}',
  'return {ok="MY status"}',
  'return redis.error_reply("ERR z")',
  'return redis.error_reply("-DENIED z")',
  'return redis.error_reply("single")',
  'return redis.error_reply("two words")',
  'return {redis.pcall("GET"),redis.pcall("NOPE","x"),1}',
  'local t=redis.call("SMEMBERS",KEYS[1]) return #t',
  'return math.floor(-2.5)',
  'return 0.1+0.2',
  'return 3e10',
  'return redis.sha1hex(ARGV[1])',
  'return string.format("%d",3)',
  'return {a=1}',
  'return type(redis.call("GET","zzzz"))',
  'return tonumber("0x10")',
  'return redis.status_reply("Y")',
  'return nil',
  'return',
  'return {1,nil,3}',
  'return {{},{{"deep"}},"\\0\\255"}',
  'return function() end',
  'return unknown',
  'unknown = 1',
  '\n\nerror("boom")',
  'error({err="CODE mine"})',
  'local x = nil\nreturn x.y',
  'return redis.call()',
  'return redis.call("GET",{})',
  'return redis.call("GET",KEYS[1],"more")',
  'return redis.call("nope")',
  'return redis.call("EVAL","return 1",0)',
  'local ok, e = pcall(redis.call,"LPUSH",KEYS[1],"v") if ok then return ok end return e.err',
  'if redis.call("EXISTS",KEYS[1]) == 1 then return redis.call("DEL",KEYS[1]) else return 0 end',
  'redis.call("SET",KEYS[1],ARGV[1],"EX",100000) return redis.call("TTL",KEYS[1])',
  'return redis.call("MGET",KEYS[1],"nope")',
  'return not a valid script',
  'return 0/0',
  'return -1e300',
  'return redis.error_reply()',
  'return redis.status_reply(1)',
  'local ok,e=pcall(error,{err="X y"}) return {type(e),e}',
  'local ok,e=pcall(error,"q") return e',
  'local f=function() return redis.call("GET") end return f()',
  'redis=1',
  'string.x=1',
  'return os.clock',
  'return redis.nope',
  'local c=coroutine.wrap(function() return redis.call("PING") end) return c()',
  'return loadstring("return 1")()',
  'loadstring("x=1")()',
  'return redis.call("SCRIPT","LOAD","x")',
  '#!lua flags=bad\nreturn 1',
  '#!js\nreturn 1',
  '#!lua foo=1\nreturn 1',
  '#!lua',
  '#!lua flags=no-writes,allow-oom\nreturn redis.call("SET","a","1")',
  '#!lua\nreturn 7',
  '#!lua flags=no-writes\nreturn 8',
]

export function createRandomCommands(random: Random) {
  const { below, pick, chance, upTo } = random
  const key = () => pick(KEYS)
  const field = () => pick(FIELDS)
  const value = () => pick(VALUES)
  const member = () => pick(MEMBERS)
  const maybe = (make: () => string[], probability = 0.4) => (chance(probability) ? make() : [])
  let amounts = 0
  /** Never the same twice, and never near another: which of two is later does not depend on when they are given. */
  const longAmount = (unit: number) => String(((++amounts * 7919) % 1_000_003) * unit + 100_000 * unit)
  const amount = (unit: 1000 | 1_000_000) => (chance(0.7) ? longAmount(unit) : pick(WRONG_AMOUNTS))
  const expiry = () =>
    pick([
      () => [pick(['EX', 'ex']), amount(1000)],
      () => ['PX', amount(1_000_000)],
      () => ['EXAT', pick(SECONDS)],
      () => ['PXAT', pick(MILLISECONDS)],
      () => ['EX'],
    ])()
  const setOption = () =>
    pick([
      () => [pick(['NX', 'XX', 'GET', 'KEEPTTL', 'nx', 'Get', 'BAD', 'PERSIST'])],
      () => ['NX'],
      expiry,
    ])()
  const expireFlags = () => upTo(2, () => pick(['NX', 'XX', 'GT', 'LT', 'gt', 'zz']))

  const strings = [
    () => ['SET', key(), value(), ...upTo(3, setOption).flat()],
    () => ['SET', key(), value()],
    () => ['GET', key()],
    () => ['GETDEL', key()],
    () => [
      'GETEX',
      key(),
      ...upTo(2, () => pick([expiry, () => ['PERSIST'], () => ['BAD'], () => ['NX']])()).flat(),
    ],
    () => ['GETSET', key(), value()],
    () => ['SETNX', key(), value()],
    () => ['SETEX', key(), amount(1000), value()],
    () => ['PSETEX', key(), amount(1_000_000), value()],
    () => ['MGET', key(), ...upTo(3, key)],
    () => ['MSET', key(), value(), ...maybe(() => [key(), value()]), ...maybe(() => [key()], 0.1)],
    () => [pick(['INCR', 'DECR']), key()],
    () => [pick(['INCRBY', 'DECRBY']), key(), pick(INTEGERS)],
    () => ['APPEND', key(), value()],
    () => ['STRLEN', key()],
    () => ['GETRANGE', key(), pick(INDEXES), pick(INDEXES)],
  ]
  const keys = [
    () => [pick(['DEL', 'UNLINK', 'EXISTS', 'TOUCH']), key(), ...upTo(2, key)],
    () => ['DEL', key(), key()],
    () => ['TYPE', key()],
    () => ['RENAME', key(), key()],
    () => ['KEYS', pick(GLOBS)],
    () => [
      'SCAN',
      pick(['0', '0', '0', 'x']),
      'MATCH',
      pick(GLOBS),
      'COUNT',
      pick(['1000', '1000', '0', 'x']),
    ],
    () => [
      'SCAN',
      '0',
      'COUNT',
      '1000',
      ...maybe(() => ['TYPE', pick(['string', 'hash', 'zset', 'nope'])]),
      ...maybe(() => ['BAD'], 0.1),
    ],
    () => ['PING', ...upTo(2, value)],
    () => ['ECHO', value()],
  ]
  const expiries = [
    () => ['EXPIRE', key(), amount(1000), ...expireFlags()],
    () => ['PEXPIRE', key(), amount(1_000_000), ...expireFlags()],
    () => ['EXPIREAT', key(), pick(SECONDS), ...expireFlags()],
    () => ['PEXPIREAT', key(), pick(MILLISECONDS), ...expireFlags()],
    () => [pick(['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME']), key()],
    () => ['PERSIST', key()],
  ]
  const hashes = [
    () => [
      pick(['HSET', 'HSET', 'HMSET']),
      key(),
      field(),
      value(),
      ...maybe(() => [field(), value()]),
      ...maybe(() => ['odd'], 0.1),
    ],
    () => ['HSETNX', key(), field(), value()],
    () => [pick(['HGET', 'HEXISTS']), key(), field()],
    () => [pick(['HMGET', 'HDEL']), key(), field(), ...upTo(2, field)],
    () => [pick(['HGETALL', 'HLEN', 'HKEYS', 'HVALS']), key()],
    () => ['HINCRBY', key(), field(), pick(INTEGERS)],
  ]
  const sets = [
    () => [pick(['SADD', 'SADD', 'SREM', 'SMISMEMBER']), key(), member(), ...upTo(2, member)],
    () => [pick(['SMEMBERS', 'SCARD']), key()],
    () => ['SISMEMBER', key(), member()],
    () => [pick(['SUNION', 'SINTER', 'SDIFF']), key(), ...upTo(2, key)],
    () => [pick(['SUNIONSTORE', 'SINTERSTORE', 'SDIFFSTORE']), key(), key(), ...upTo(2, key)],
  ]
  const sortedSets = [
    () => [
      'ZADD',
      key(),
      ...upTo(2, () => pick(['NX', 'XX', 'GT', 'LT', 'CH', 'INCR', 'ch'])),
      pick(SCORES),
      member(),
      ...maybe(() => [pick(SCORES), member()]),
      ...maybe(() => ['1'], 0.05),
    ],
    () => ['ZADD', key(), pick(SCORES), member()],
    () => ['ZINCRBY', key(), pick(SCORES), member()],
    () => ['ZSCORE', key(), member()],
    () => ['ZCARD', key()],
    () => ['ZREM', key(), member(), ...upTo(1, member)],
    () => [pick(['ZCOUNT', 'ZREMRANGEBYSCORE']), key(), pick(BOUNDS), pick(BOUNDS)],
    () => ['ZREMRANGEBYRANK', key(), pick(INDEXES), pick(INDEXES)],
    () => [
      'ZRANGE',
      key(),
      pick(INDEXES),
      pick(INDEXES),
      ...maybe(() => ['WITHSCORES']),
      ...maybe(() => ['REV']),
    ],
    () => [
      'ZRANGE',
      key(),
      pick(BOUNDS),
      pick(BOUNDS),
      'BYSCORE',
      ...maybe(() => ['WITHSCORES']),
      ...maybe(() => ['REV']),
      ...maybe(() => ['LIMIT', pick(INDEXES), pick(INDEXES)]),
    ],
    () => ['ZRANGE', key(), '0', '-1', 'LIMIT', '0', '1'],
  ]
  const lists = [
    () => [pick(['LPUSH', 'RPUSH']), key(), value(), ...upTo(2, value)],
    () => [pick(['LPOP', 'RPOP']), key(), ...maybe(() => [pick(INDEXES)])],
    () => ['LLEN', key()],
    () => [pick(['LRANGE', 'LTRIM']), key(), pick(INDEXES), pick(INDEXES)],
    () => ['LREM', key(), pick(INDEXES), value()],
  ]
  const scripts = [
    () => [pick(['EVAL', 'EVAL', 'EVAL_RO']), pick(SCRIPTS), '1', key(), value()],
    () => ['EVAL', pick(SCRIPTS), '1', key(), value()],
    () => ['EVAL', 'return 1', pick(['2', 'x', '-1', '']), 'a'],
    () => [
      'EVALSHA',
      pick(['00', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db', 'E0E1F9FABFC9D4800C877A703B823AC0578FF8DB']),
      '0',
    ],
    () => [
      'SCRIPT',
      pick(['LOAD', 'load', 'EXISTS', 'NOPE']),
      ...upTo(2, () =>
        pick(['return 1', '00', 'return 500', 'bad(', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db']),
      ),
    ],
  ]
  const groups = [strings, strings, keys, expiries, hashes, sets, sortedSets, lists, scripts]
  /** Too few or too many words, or no command at all. */
  const wrong = () => {
    const words = pick(pick(groups))()
    if (chance(0.3)) return ['NOPE', ...upTo(3, value)]
    if (words[0] === 'SCAN') return ['SCAN'] // without its COUNT, a page's size is the server's own affair
    return chance(0.5) ? words.slice(0, 1 + below(words.length)) : [...words, value()]
  }
  const command = (): string[] => (chance(0.03) ? wrong() : pick(pick(groups))())
  return { command, transaction: (): string[][] => Array.from({ length: 1 + below(6) }, command) }
}
