/**
 * What a killed run leaves behind: a PostgreSQL server without its launcher, or only its lock file. Stops and removes
 * those; refuses to touch a server whose launcher is alive, so a second run cannot take the first one's database away.
 */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const LAUNCHER_FILE = 'latchkey-launcher.pid'
const PATIENCE_MS = 2000

type ServerProcess = { parent: number; command: string }

/** Leaves this process's id in the data directory; `clearLeftovers` of the next run asks whether it is alive. */
export function recordLauncher(dataDir: string) {
  fs.writeFileSync(path.join(dataDir, LAUNCHER_FILE), String(process.pid))
}

export async function clearLeftovers(dataDir: string): Promise<void> {
  const lockFile = path.join(dataDir, 'postmaster.pid')
  const pid = readPid(lockFile)
  if (pid === undefined) return
  const launcher = readPid(path.join(dataDir, LAUNCHER_FILE))
  const findServer = () => {
    const found = findProcess(pid)
    return found?.command.includes(dataDir) ? found : undefined
  }
  // The previous run may just be ending.
  for (let waitedMs = 0; launcher !== undefined && findServer()?.parent === launcher; waitedMs += 20) {
    if (waitedMs >= PATIENCE_MS) {
      throw new Error(`postgres: ${dataDir} is already in use by process ${launcher}; stop it first`)
    }
    await delay(20)
  }
  if (findServer() !== undefined) await stopProcess(pid)
  // Dead, or its number was given to an unrelated process since: PostgreSQL itself would refuse the latter.
  fs.rmSync(lockFile, { force: true })
}

/** Asks for a fast shutdown (disconnects clients), then for an immediate one (recovers at the next start). */
export async function stopProcess(pid: number): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGINT', 10_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!isRunning(pid)) return
    signalProcess(pid, signal)
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 20) {
      if (!isRunning(pid)) return
      await delay(20)
    }
  }
  throw new Error(`postgres: process ${pid} does not end`)
}

/** A process that has ended but was not yet collected by its parent (a container's init may be slow) does not run. */
export function isRunning(pid: number): boolean {
  if (!signalProcess(pid, 0)) return false
  return process.platform !== 'linux' || !/^State:\s*Z/m.test(readOrEmpty(`/proc/${pid}/status`))
}

function readOrEmpty(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return '' // gone between two looks
  }
}

/** @returns whether the process exists */
function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

function readPid(file: string): number | undefined {
  if (!fs.existsSync(file)) return undefined
  const pid = Number.parseInt(fs.readFileSync(file, 'utf8'), 10)
  return pid > 1 ? pid : undefined
}

function findProcess(pid: number): ServerProcess | undefined {
  try {
    if (process.platform === 'linux') {
      const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      const parent = /^PPid:\s*(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      return { command, parent: Number(parent) }
    }
    if (process.platform === 'win32') return undefined // a killed server is simply gone or holds its port
    const line = execFileSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return { parent: Number.parseInt(line, 10), command: line }
  } catch {
    return undefined // no such process
  }
}
