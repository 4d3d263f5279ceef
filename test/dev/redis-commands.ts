/**
 * Random Redis commands, right and wrong ones, over few keys so that they meet. Words are byte strings. No answer
 * depends on how many milliseconds lie between two commands: amounts of time are in the past, or distinct and long.
 */
import type { Random } from './random.ts'

export type RandomCommands = ReturnType<typeof createRandomCommands>

const KEYS = ['a', 'b', 'c', 'd', 'aa', '\xc3\xa9', '\xe2\x9c\x93', '\x00\xff', 'a*', 'a\r\nb', '']
const VALUES =
  '1|2|-3|x||OK|1.5|99999999999|\xc3\xa9\xe2\x9c\x93|01| 1|3.0e2|9007199254740000|9223372036854775807|-9223372036854775808|-0|\x00\xff\r\n|hello'.split(
    '|',
  )
const INTEGERS = '0|1|2|-1|5|10|x|1.5||9223372036854775807|-9223372036854775808|9223372036854775808'.split(
  '|',
)
const INDEXES = '0|1|2|-1|-2|5|-100|100|x|1.5'.split('|')
const SCORES = '1|2.5|-1|x|3|0.1|1e20|1e-7|nan|+5|1e400|.5|1.|1e17|123456789.123456789'.split('|')
const MEMBERS = ['m', 'n', 'o', '\xc3\xa9', '\xff', '']
const PATTERNS = '*|a|a*|*a|\xc3\xa9|\xc3*|*\xff|***a|\x00*|*\n*|'.split('|')
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
  'return {redis.call("PING"),ARGV[1]}',
  'return redis.pcall("INCRBY",KEYS[1],ARGV[1])',
  'return redis.call("INCRBY",KEYS[1],ARGV[1])',
  'local r = redis.call("INCRBY",KEYS[1],ARGV[1])\nreturn r',
  'return redis.call("LRANGE",KEYS[1],0,-1)',
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
  'return {redis.pcall("GET"),redis.pcall("NOPE","x"),1}',
  'return math.floor(-2.5)',
  'return 0.1+0.2',
  'return 3e10',
  'return string.format("%d",3)',
  'return {a=1}',
  'return type(redis.call("GET","zzzz"))',
  'return tonumber("0x10")',
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
  'local ok, e = pcall(redis.call,"RPUSH",KEYS[1],"v") if ok then return ok end return e.err',
  'if redis.call("EXISTS",KEYS[1]) == 1 then return redis.call("DEL",KEYS[1]) else return 0 end',
  'redis.call("SET",KEYS[1],ARGV[1],"EX",100000) return redis.call("TTL",KEYS[1])',
  'return redis.call("MGET",unpack({KEYS[1],"nope"}))',
  'return not a valid script',
  'return 0/0',
  'return -1e300',
  'local ok,e=pcall(error,{err="X y"}) return {type(e),e}',
  'local ok,e=pcall(error,"q") return e',
  'local f=function() return redis.call("GET") end return f()',
  'redis=1',
  'string.x=1',
  'return os.clock',
  'return redis.call("SCRIPT","LOAD","x")',
]

export function createRandomCommands(random: Random) {
  const { below, pick, chance, upTo } = random
  const key = () => pick(KEYS)
  const value = () => pick(VALUES)
  const maybe = (make: () => string[], probability = 0.4) => (chance(probability) ? make() : [])
  let amounts = 0
  /** Never the same twice, and never near another: which of two is later does not depend on when they are given. */
  const longAmount = (unit: number) => String(((++amounts * 7919) % 1_000_003) * unit + 100_000 * unit)
  const amount = (unit: 1000 | 1_000_000) => (chance(0.7) ? longAmount(unit) : pick(WRONG_AMOUNTS))
  const setOption = () =>
    pick([
      () => [pick(['NX', 'XX', 'nx', 'BAD', 'PERSIST'])],
      () => ['NX'],
      () => [pick(['EX', 'ex']), amount(1000)],
      () => ['PX', amount(1_000_000)],
      () => ['EX'],
    ])()

  const strings = [
    () => ['SET', key(), value(), ...upTo(3, setOption).flat()],
    () => ['SET', key(), value()],
    () => [pick(['GET', 'GETDEL', 'INCR']), key()],
    () => ['MGET', key(), ...upTo(3, key)],
    () => ['INCRBY', key(), pick(INTEGERS)],
  ]
  const keys = [
    () => [pick(['DEL', 'EXISTS']), key(), ...upTo(2, key)],
    () => ['DEL', key(), key()],
    () => ['KEYS', pick(PATTERNS)],
    () => ['DBSIZE'],
    () => ['PING', ...upTo(2, value)],
  ]
  const expiries = [
    () => ['EXPIRE', key(), amount(1000)],
    () => ['PEXPIRE', key(), amount(1_000_000)],
    () => [pick(['TTL', 'PTTL']), key()],
  ]
  const sortedSets = [
    () => ['ZINCRBY', key(), pick(SCORES), pick(MEMBERS)],
    () => ['ZRANGE', key(), pick(INDEXES), pick(INDEXES), ...maybe(() => ['WITHSCORES'])],
  ]
  const lists = [
    () => ['RPUSH', key(), value(), ...upTo(2, value)],
    () => ['LLEN', key()],
    () => [pick(['LRANGE', 'LTRIM']), key(), pick(INDEXES), pick(INDEXES)],
    () => ['LREM', key(), pick(INDEXES), value()],
  ]
  const scripts = [
    () => ['EVAL', pick(SCRIPTS), '1', key(), value()],
    () => ['EVAL', 'return 1', pick(['2', 'x', '-1', '']), 'a'],
    () => [
      'EVALSHA',
      pick(['00', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db', 'E0E1F9FABFC9D4800C877A703B823AC0578FF8DB']),
      '0',
    ],
    () => [
      'SCRIPT',
      ...pick([
        () => [pick(['LOAD', 'load']), pick(['return 1', 'return 500', 'bad('])],
        () => ['EXISTS', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db', ...upTo(2, () => '00')],
      ])(),
    ],
  ]
  const groups = [strings, strings, keys, expiries, sortedSets, lists, scripts]
  /** Too few or too many words, or no command at all. */
  const wrong = () => {
    const words = pick(pick(groups))()
    if (chance(0.3)) return ['NOPE', ...upTo(3, value)]
    // Redis takes more words here than the engine knows, and looks at a subcommand's before a transaction begins.
    if (words[0] === 'SCRIPT') return ['SCRIPT']
    const isOpen = /^(P?EXPIRE|ZRANGE)$/.test(words[0] ?? '')
    return isOpen || chance(0.5) ? words.slice(0, 1 + below(words.length)) : [...words, value()]
  }
  const command = (): string[] => (chance(0.03) ? wrong() : pick(pick(groups))())
  return { command, transaction: (): string[][] => Array.from({ length: 1 + below(6) }, command) }
}
