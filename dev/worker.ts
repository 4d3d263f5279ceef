/** Runs the all-in-one Worker in `wrangler dev`, and ends one that an earlier run left over. */
import { spawnSync } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { ENV_FILE, isAlive, PID_FILE } from '../ops/local-stack.ts'
import { spawnWrangler } from './wrangler.ts'

export type LocalWorker = { stop(): Promise<void> }

type Options = {
  port: number
  secrets: Record<string, string>
  folder: string
  vars?: Record<string, string>
  /** Whether what the Worker prints is dropped once it is ready. */
  isQuiet?: boolean
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
  const wrangler = spawnWrangler({
    port,
    vars: { ENVIRONMENT: 'local', SERVER_TIMING: 'on', ...vars },
    args: ['--env=', '--env-file', envFile, '--persist-to', path.join(folder, 'worker')],
    isQuiet,
  })
  await writeFile(path.join(folder, PID_FILE), `${process.pid} ${wrangler.child.pid}`)
  await wrangler.untilReady()
  const stopAndForget = async () => {
    await wrangler.stop()
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
