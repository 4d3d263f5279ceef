/**
 * A real PostgreSQL for development and tests: creates the cluster, starts the server on 127.0.0.1, stops it with this
 * process. Authentication is `trust`, so it never listens on anything but loopback; not for data that matters.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { withoutSettings } from '../ops/child-environment.ts'
import { freePort, isPortFree, LOOPBACK, portTaken } from './local-server.ts'
import {
  findServerUser,
  type PostgresBinaries,
  preparePostgresBinaries,
  reachableDataDirectory,
  type ServerUser,
} from './postgres-binaries.ts'
import { clearLeftovers, recordLauncher } from './postgres-leftovers.ts'
import { endWithParent } from './postgres-shutdown.ts'

const ROLE = 'latchkey'
/** Three test files, and services that wait for the next one, each with as many as `neon-endpoint.ts` opens for a database. */
const MAX_CONNECTIONS = 1000

export type PostgresOptions = {
  /** Kept between runs. As root, and below a directory that others cannot enter, it lies in /var/tmp. */
  dataDir: string
  /** Absent: any free port. */
  port?: number | undefined
  /** false gives up crash safety for speed; for tests. */
  durable?: boolean | undefined
  /** Receives the server's own log, line by line. */
  log?: ((line: string) => void) | undefined
}

export type Postgres = {
  url: string
  port: number
  /** Where the data really is. */
  dataDir: string
  /** @returns the new database's connection string. Copying ends idle sessions in the template. */
  createDatabase(name: string, template?: string): Promise<string>
  /** Ends the database's sessions first; does nothing when there is no such database. */
  dropDatabase(name: string): Promise<void>
  stop(): Promise<void>
}

export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const user = findServerUser()
  const binaries = preparePostgresBinaries(user)
  const dataDir = reachableDataDirectory(options.dataDir, user)
  await createCluster(dataDir, binaries, user)
  await clearLeftovers(dataDir)
  const { server, port } = await startOnPort(options, (port) =>
    launch({ dataDir, port, binaries, user, durable: options.durable ?? true, log: options.log }),
  )
  try {
    const existing = await asAdmin(port, (admin) =>
      admin.query('select from pg_database where datname = $1', [ROLE]),
    )
    if (existing.rowCount === 0) await createDatabase(port, ROLE)
  } catch (error) {
    await server.stop()
    throw error
  }
  return {
    url: databaseUrl(port, ROLE),
    port,
    dataDir,
    createDatabase: (name, template) => createDatabase(port, name, template),
    dropDatabase: async (name) => {
      await asAdmin(port, (admin) => admin.query(`drop database if exists ${quote(name)} with (force)`))
    },
    stop: server.stop,
  }
}

/** initdb into a neighbouring directory, renamed when complete: a killed initdb leaves nothing that looks usable. */
async function createCluster(dataDir: string, binaries: PostgresBinaries, user: ServerUser) {
  const versionFile = path.join(dataDir, 'PG_VERSION')
  if (fs.existsSync(versionFile)) {
    const major = fs.readFileSync(versionFile, 'utf8').trim()
    if (major === binaries.major) return
    throw new Error(
      `postgres: ${dataDir} was created by PostgreSQL ${major}, this is ${binaries.major}; remove the directory`,
    )
  }
  const unfinished = fs.mkdtempSync(`${dataDir}.unfinished-`)
  if (user.uid !== undefined && user.gid !== undefined) fs.chownSync(unfinished, user.uid, user.gid)
  const locale = ['-E', 'UTF8', '--locale=C']
  const args = ['-D', unfinished, '-U', ROLE, '-A', 'trust', ...locale, '--no-sync', '--no-instructions']
  try {
    await runToEnd(spawn(binaries.initdb, args, childOptions(user)))
    fs.renameSync(unfinished, dataDir)
  } finally {
    fs.rmSync(unfinished, { recursive: true, force: true })
  }
}

type Server = { stop(): Promise<void> }

/** With no port asked for, a lost race for a free one is repeated; an asked-for port that is taken is an error. */
async function startOnPort(options: PostgresOptions, start: (port: number) => Promise<Server>) {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    if (!(await isPortFree(port))) throw portTaken('postgres', port)
    try {
      return { server: await start(port), port }
    } catch (error) {
      const lostRace = error instanceof Error && error.message.includes('Address already in use')
      if (!lostRace) throw error
      if (options.port !== undefined) throw portTaken('postgres', port, error)
      if (attempt === 3) throw error
    }
  }
}

type Launch = {
  dataDir: string
  port: number
  binaries: PostgresBinaries
  user: ServerUser
  durable: boolean
  log: PostgresOptions['log']
}

async function launch({ dataDir, port, binaries, user, durable, log }: Launch): Promise<Server> {
  const settings = [
    `listen_addresses=${LOOPBACK}`,
    'unix_socket_directories=',
    `max_connections=${MAX_CONNECTIONS}`,
    'shared_buffers=32MB',
    ...(durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
  ]
  const args = ['-D', dataDir, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
  // Its own process group: Ctrl-C in the terminal then ends this process first, which ends the server in order.
  const child = spawn(binaries.postgres, args, { ...childOptions(user), detached: true })
  const stop = endWithParent(child)
  recordLauncher(dataDir)
  await untilReady(child, log)
  return { stop }
}

function untilReady(child: ChildProcess, log: PostgresOptions['log']): Promise<void> {
  return new Promise((resolve, reject) => {
    let tail = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line !== '') log?.(line)
      tail = (tail + text).slice(-4000)
      if (tail.includes('ready to accept connections')) resolve()
    })
    child.once('error', reject)
    child.once('close', (code) => reject(new Error(`postgres: the server ended with code ${code}\n${tail}`)))
  })
}

function childOptions(user: ServerUser) {
  const stdio: ['ignore', 'ignore', 'pipe'] = ['ignore', 'ignore', 'pipe']
  // tmpdir: the server's user may be unable to enter ours. LC_ALL=C: untilReady reads English.
  return { ...user, stdio, cwd: os.tmpdir(), env: { ...withoutSettings(process.env), LC_ALL: 'C' } }
}

function runToEnd(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`postgres: ${child.spawnfile} ended with code ${code}\n${output}`)),
    )
  })
}

async function createDatabase(port: number, name: string, template?: string): Promise<string> {
  await asAdmin(port, async (admin) => {
    if (template === undefined) return admin.query(`create database ${quote(name)}`)
    // A template must have no sessions; pools keep idle ones.
    await admin.query(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1 and state = 'idle'",
      [template],
    )
    return admin.query(`create database ${quote(name)} template ${quote(template)} strategy file_copy`)
  })
  return databaseUrl(port, name)
}

async function asAdmin<T>(port: number, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ host: LOOPBACK, port, user: ROLE, database: 'postgres' })
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}

const quote = (name: string) => pg.escapeIdentifier(name)

function databaseUrl(port: number, database: string): string {
  return `postgresql://${ROLE}:${ROLE}@${LOOPBACK}:${port}/${encodeURIComponent(database)}`
}
