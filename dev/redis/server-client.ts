/**
 * A genuine redis-server over one TCP connection, behind the same interface as the engine in this process. Commands are
 * sent as they come and answered in order. Refuses commands that would change what the shared connection means.
 */
import net from 'node:net'
import { bytes, mapStrings, type RedisConnection, RedisError, type Reply, refuse, text } from './reply.ts'
import { createReplyReader, encodeCommand } from './resp.ts'

export type RedisServerClient = RedisConnection & {
  /** Waits for the replies still due. Commands after this are errors. */
  close(): Promise<void>
}

/** Each of these would affect all users of the connection, or would never answer. */
const REFUSED = new Set(
  (
    'AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT DISCARD EXEC HELLO MONITOR MULTI ' +
    'PSUBSCRIBE PUNSUBSCRIBE QUIT RESET SELECT SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE SYNC PSYNC UNSUBSCRIBE UNWATCH WAIT ' +
    'WATCH'
  ).split(' '),
)

/** @param url redis://[user:password@]host[:port][/database]; TLS is not spoken */
export async function connectRedisServer(url: string): Promise<RedisServerClient> {
  const { hostname, port, username, password, pathname } = parseUrl(url)
  const connection = await openConnection(hostname, Number(port || 6379))
  const send = async (words: string[]): Promise<Reply> => {
    const reply = await connection.send(words)
    if (reply instanceof RedisError) throw reply
    return reply
  }
  if (password !== '') {
    const credentials = [username, password].map(decodeURIComponent).filter((word) => word !== '')
    await send(['AUTH', ...credentials.map(bytes)])
  }
  if (pathname.length > 1) await send(['SELECT', pathname.slice(1)])

  return {
    readsUpstashScripts: false,
    exec: async (args, encoding = 'utf8') => {
      refuseUnshareable(args)
      if (encoding === 'bytes') return send([...args])
      return mapStrings(await send(args.map(bytes)), text)
    },
    multi: async (commands, encoding = 'utf8') => {
      commands.forEach(refuseUnshareable)
      const words = commands.map((args) => (encoding === 'bytes' ? [...args] : args.map(bytes)))
      // Written in one turn, so that no other command comes in between.
      const sent = [['MULTI'], ...words, ['EXEC']].map((command) => connection.send(command))
      const replies = (await Promise.all(sent)).at(-1)
      if (replies instanceof RedisError) throw replies
      if (!Array.isArray(replies)) throw new Error('redis: EXEC answered with no list')
      return encoding === 'bytes' ? replies : replies.map((reply) => mapStrings(reply, text))
    },
    close: connection.close,
  }
}

function parseUrl(url: string): URL {
  const parsed = URL.parse(url)
  if (parsed?.protocol !== 'redis:' || parsed.hostname === '') {
    throw new Error('redis: REDIS_URL must look like redis://127.0.0.1:6379')
  }
  return parsed
}

function refuseUnshareable(args: readonly string[]) {
  const name = (args[0] ?? '').toUpperCase()
  if (REFUSED.has(name))
    refuse(`ERR '${name.toLowerCase()}' needs a connection of its own and is not served here`)
}

type Waiting = { resolve(reply: Reply): void; reject(error: Error): void }

async function openConnection(host: string, port: number) {
  const socket = net.connect({ host, port, noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', (cause) => reject(new Error(`redis: cannot connect to ${host}:${port}`, { cause })))
  })
  const waiting: Waiting[] = []
  let broken: Error | undefined
  const fail = (error: Error) => {
    broken ??= error
    for (const { reject } of waiting.splice(0)) reject(broken)
  }
  socket.on(
    'data',
    createReplyReader((reply) => waiting.shift()?.resolve(reply)),
  )
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('redis: the server closed the connection')))
  return {
    /** @returns error replies too, as values */
    send: (words: readonly string[]): Promise<Reply> =>
      new Promise((resolve, reject) => {
        if (broken) return reject(broken)
        waiting.push({ resolve, reject })
        socket.write(encodeCommand(words), 'latin1')
      }),
    close: (): Promise<void> =>
      new Promise((resolve) => {
        if (socket.destroyed) return resolve()
        socket.once('close', () => resolve())
        socket.end()
      }),
  }
}
