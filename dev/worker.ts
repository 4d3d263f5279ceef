/** Runs the all-in-one Worker in `wrangler dev`, offline: no update check, no metrics, no lookup of `request.cf`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { withoutSettings } from '../ops/child-environment.ts'
import { ENV_FILE, isAlive, PID_FILE } from '../ops/local-stack.ts'

export type LocalWorker = { stop(): Promise<void> }

type Options = {
  port: number
  secrets: Record<string, string>
  folder: string
  vars?: Record<string, string>
  /** Whether what the Worker prints is dropped once it is ready. */
  isQuiet?: boolean
}

const OFFLINE = { CLOUDFLARE_CF_FETCH_ENABLED: 'false', DO_NOT_TRACK: '1', WRANGLER_HIDE_BANNER: 'true' }

/** Whatever the shell says of how wrangler finds secrets: they are in our file, and nowhere else. */
const ENV_FILE_ALONE = {
  CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: 'true',
  CLOUDFLARE_INCLUDE_PROCESS_ENV: 'false',
}

/** Resolves once the Worker answers. @throws when it does not start, with what it printed */
export async function startWorker({
  port,
  secrets,
  folder,
  vars = {},
  isQuiet = false,
}: Options): Promise<LocalWorker> {
  // Secrets go by file, not by argument, where `ps` would show them.
  const envFile = path.join(folder, ENV_FILE)
  const lines = Object.entries(secrets).map(([name, value]) => `${name}="${value}"`)
  await writeFile(envFile, `${lines.join('\n')}\n`, { mode: 0o600 })
  const settings = { ENVIRONMENT: 'local', SERVER_TIMING: 'on', ...vars }
  const args = ['dev', '--env=', '--env-file', envFile, '--ip', '127.0.0.1', '--port', String(port)]
  for (const [name, value] of Object.entries(settings)) args.push('--var', `${name}:${value}`)
  args.push(
    '--inspector-port',
    '0',
    '--show-interactive-dev-session=false',
    '--infer-origin-from-routes=false',
  )
  args.push('--persist-to', path.join(folder, 'worker'))
  const child = spawn(process.execPath, ['node_modules/wrangler/bin/wrangler.js', ...args], {
    env: { ...withoutSettings(process.env), ...OFFLINE, ...ENV_FILE_ALONE },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32', // a Ctrl-C is for us; we end it, and workerd with it
  })
  await writeFile(path.join(folder, PID_FILE), `${process.pid} ${child.pid}`)
  await untilReady(child)
  if (isQuiet) for (const stream of [child.stdout, child.stderr]) stream?.resume()
  else {
    child.stdout?.pipe(process.stdout)
    child.stderr?.pipe(process.stderr)
  }
  const stopAndForget = async () => {
    await stop(child)
    await rm(path.join(folder, PID_FILE), { force: true })
  }
  return { stop: stopAndForget }
}

/** Ends a Worker of this checkout whose `npm run dev` was killed: it would hold the port and serve old code. */
export async function stopStaleWorker(folder: string): Promise<void> {
  const recorded = await readFile(path.join(folder, PID_FILE), 'utf8').catch(() => '') // no file: nothing is left over
  const [starter, worker] = recorded.split(' ').map(Number)
  if (!starter || !worker || process.platform === 'win32') return
  // A number may have been given to another process since, so each must still be what we started.
  const isServed = (await commandOf(starter)).includes('dev/main')
  const isOurs = (await commandOf(worker)).includes(path.join(folder, ENV_FILE))
  if (isServed || !isOurs) return
  process.kill(-worker, 'SIGTERM')
  for (let waited = 0; waited < 5000 && isAlive(worker); waited += 50) await setTimeout(50)
}

/** The command line of a process, or nothing when it has ended. */
async function commandOf(pid: number): Promise<string> {
  const ask = () => spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? ''
  return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(ask)
}

function untilReady(child: ChildProcess): Promise<void> {
  let printed = ''
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += chunk.toString()
      if (!printed.includes('Ready on')) return
      child.stdout?.off('data', read)
      child.stderr?.off('data', read)
      child.off('exit', fail)
      resolve()
    }
    const fail = () => reject(new Error(`the Worker did not start:\n${printed}`))
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', fail)
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGTERM')
  await ended
}
