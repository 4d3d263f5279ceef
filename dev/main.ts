/**
 * `npm run dev` — the whole service on this machine: PostgreSQL, Redis, migrations, a tenant, and the all-in-one
 * Worker in workerd. Everything listens on 127.0.0.1 and nothing connects anywhere else. Data stays in `.latchkey/`.
 *   PORT=9000 npm run dev        another address
 *   MAIL_PORT=9025 npm run dev   another address of the mailbox, which shows the mail that the service sends
 *   REDIS_URL=redis://… npm run dev   a genuine redis-server instead of the built-in engine
 *   WEBHOOK_PRIVATE_TARGETS=allowed npm run dev   webhooks may lead to a receiver on this machine
 *   BREACHED_PASSWORDS=hibp npm run dev   new passwords are also looked up at Have I Been Pwned
 *   LIMITS_MULTIPLIER=1000 npm run dev   every limit is a thousand times as high, for load tests
 *   npm run dev -- --fresh       starts empty
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { createOperatorContext, lineOf } from '../ops/context.ts'
import { newKeyringEntry } from '../ops/keyring.ts'
import { LOCAL_FOLDER } from '../ops/local-stack.ts'
import { migrateAll } from '../ops/migrate.ts'
import { SECRETS } from '../src/settings.ts'
import { startCrons } from './crons.ts'
import { type Mailbox, startMailbox } from './mailbox.ts'
import { startNeonEndpoint } from './neon-endpoint.ts'
import { startPostgres } from './postgres.ts'
import { openRedis } from './redis-data.ts'
import { seed } from './seed.ts'
import { startUpstashEndpoint } from './upstash-endpoint.ts'
import { startWorker, stopStaleWorker } from './worker.ts'

const FOLDER = path.resolve(LOCAL_FOLDER)
const REDIS_TOKEN = 'local'

await main().catch((error: unknown) => {
  console.error(lineOf(error))
  process.exit(1)
})

async function main(): Promise<void> {
  const port = readPort('PORT', '8787')
  const mailPort = readPort('MAIL_PORT', '8025')
  const flags = process.argv.slice(2)
  const unknown = flags.find((flag) => flag !== '--fresh')
  if (unknown) throw new Error(`unknown option ${unknown}; there is only --fresh`)
  if (port === mailPort) throw new Error('PORT and MAIL_PORT are the same')
  await stopStaleWorker(FOLDER)
  await requireFreePort('PORT', port)
  await requireFreePort('MAIL_PORT', mailPort)
  if (flags.includes('--fresh')) await rm(FOLDER, { recursive: true, force: true })
  await mkdir(FOLDER, { recursive: true })

  const stops: (() => Promise<void>)[] = []
  const stop = stopOnce(stops)
  // `on`, not `once`: npm passes on the Ctrl-C that the terminal has sent us already, and the second would kill us.
  process.on('SIGINT', () => stop(0))
  process.on('SIGTERM', () => stop(0))
  try {
    await start({ port, mailPort }, stops)
  } catch (error) {
    console.error(lineOf(error))
    await stop(1)
  }
}

type Ports = { port: number; mailPort: number }

async function start({ port, mailPort }: Ports, stops: (() => Promise<void>)[]): Promise<void> {
  const postgres = await startPostgres({ dataDir: path.join(FOLDER, 'postgres') })
  stops.push(() => postgres.stop())
  const neon = await startNeonEndpoint({ postgresPort: postgres.port })
  stops.push(() => neon.stop())
  const redis = await openRedis(path.join(FOLDER, 'redis.json'), process.env.REDIS_URL)
  stops.push(() => redis.close())
  const upstash = await startUpstashEndpoint({ engine: redis.engine, token: REDIS_TOKEN })
  stops.push(() => upstash.stop())
  const mailbox = await startMailbox({ port: mailPort })
  stops.push(() => mailbox.stop())

  const secrets = {
    DATABASE_URL: `postgresql://latchkey:latchkey@127.0.0.1:${neon.port}/latchkey`,
    UPSTASH_REDIS_REST_URL: upstash.url,
    UPSTASH_REDIS_REST_TOKEN: REDIS_TOKEN,
    ...(await readKeys()),
  }
  const vars = { ...mailSettings(mailbox), ...outboundSettings(process.env) }
  // The Worker's own settings, so that a malformed one is said here and not with every request.
  const ctx = createOperatorContext({ ...secrets, ...vars, ENVIRONMENT: 'local' }, SECRETS)
  await migrateAll(ctx)
  await seed(ctx, port)

  const worker = await startWorker({ port, secrets, folder: FOLDER, vars })
  stops.push(() => worker.stop())
  const crons = startCrons(port)
  stops.push(() => crons.stop())
  console.log(`postgres ${postgres.url} (for psql; commands take --local, e.g. npm run keys -- --local)`)
  console.log(`neon     http://127.0.0.1:${neon.port}/sql`)
  console.log(`redis    ${upstash.url}${process.env.REDIS_URL ? ' (over REDIS_URL)' : ''}`)
  console.log(`mail     ${mailbox.url}`)
  console.log(`ready http://localhost:${port}`)
}

/** What of the shell reaches the Worker: where it may call, whom it asks, and how often it may be called. */
function outboundSettings(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = [
    'WEBHOOK_PRIVATE_TARGETS',
    'DNS_OVER_HTTPS_URL',
    'BREACHED_PASSWORDS',
    'BREACHED_PASSWORDS_URL',
    'TURNSTILE_VERIFY_URL',
    'LIMITS_MULTIPLIER',
  ]
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
}

function mailSettings({ endpoint }: Mailbox) {
  return { MAIL_TRANSPORT: 'mailbox', MAIL_FROM: 'latchkey@example.com', MAIL_URL: endpoint }
}

type Keys = Record<'AUTH_KEYS' | 'SIGNING_SEAL_KEYS' | 'SERVICE_KEYS', string>

/** Keys of this checkout, made once: the data under `.latchkey/` can only be read with them. */
async function readKeys(): Promise<Keys> {
  const file = path.join(FOLDER, 'keys.json')
  const kept = await readFile(file, 'utf8').catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    return '{}'
  })
  const keys: Keys = {
    AUTH_KEYS: newKeyringEntry('k1'),
    SIGNING_SEAL_KEYS: newKeyringEntry('s1'),
    SERVICE_KEYS: newKeyringEntry('c1'),
    ...JSON.parse(kept),
  }
  await writeFile(file, JSON.stringify(keys), { mode: 0o600 })
  return keys
}

function readPort(name: 'PORT' | 'MAIL_PORT', fallback: string): number {
  const text = process.env[name] ?? fallback
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`${name}=${text} is not a port number`)
  return port
}

/** Said before anything starts: wrangler would only say it after, and pick another port. */
async function requireFreePort(name: string, port: number): Promise<void> {
  const server = net.createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', () =>
      reject(
        new Error(`port ${port} is in use; stop the process that uses it, or set ${name} to another port`),
      ),
    )
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()))
  })
}

/** Ends what was started, last first, once; a second Ctrl-C does not interrupt it. */
function stopOnce(stops: (() => Promise<void>)[]): (code: number) => Promise<void> {
  let stopping: Promise<void> | undefined
  const stopAll = async (code: number) => {
    for (const stop of stops.reverse()) {
      await stop().catch((error: unknown) => console.error(lineOf(error)))
    }
    process.exit(code)
  }
  return (code) => {
    stopping ??= stopAll(code)
    return stopping
  }
}
