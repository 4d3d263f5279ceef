/**
 * Ties PostgreSQL servers to this process: they end when asked to, when the process exits and when a signal ends it,
 * SIGKILL included where there is a shell. What escapes all that, the next start clears up (postgres-leftovers.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { stopProcess } from './postgres-leftovers.ts'

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

// Of the process, like the signals: one handler has to know whether any listener is not ours.
const running = new Set<ChildProcess>()

/** @returns stop, which resolves once the server has ended and may be called again */
export function endWithParent(child: ChildProcess): () => Promise<void> {
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  if (running.size === 0) listen()
  running.add(child)
  const watcher = watch(child)
  void ended.then(() => {
    watcher?.kill('SIGKILL')
    running.delete(child)
    if (running.size === 0) stopListening()
  })
  return async () => {
    if (child.pid !== undefined && !hasEnded()) await Promise.race([ended, stopProcess(child.pid)])
    await ended
  }
}

/**
 * A shell that waits for a word which never comes: its input ends when this process does, however that happens.
 * Ended together with the server, so that the number it knows is never another process's.
 */
function watch(server: ChildProcess): ChildProcess | undefined {
  if (process.platform === 'win32' || server.pid === undefined) return undefined
  const script = `read -r _; kill -INT ${server.pid}`
  const watcher = spawn('/bin/sh', ['-c', script], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  })
  watcher.on('error', () => {}) // no shell: then only SIGKILL goes unseen
  watcher.unref()
  if (watcher.stdin && 'unref' in watcher.stdin && typeof watcher.stdin.unref === 'function')
    watcher.stdin.unref()
  return watcher
}

function listen() {
  process.on('exit', endServers)
  // First in line: `once` listeners vanish as they are called, and could not be counted any more.
  for (const signal of ENDING_SIGNALS) process.prependListener(signal, onSignal)
}

function stopListening() {
  process.off('exit', endServers)
  for (const signal of ENDING_SIGNALS) process.off(signal, onSignal)
}

/** SIGINT is PostgreSQL's "fast shutdown"; the servers finish it alone after we are gone. */
function endServers() {
  for (const child of running) child.kill('SIGINT')
}

/**
 * Listening for a signal switches off its default, which is to end the process. Another listener may need the
 * database while it finishes, and will exit; without one, this does what the default does.
 */
function onSignal(signal: NodeJS.Signals) {
  if (process.listenerCount(signal) > 1) return
  endServers()
  stopListening()
  process.kill(process.pid, signal)
}
