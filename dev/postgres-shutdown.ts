/**
 * Ties PostgreSQL servers to this process: they end when asked to, when the process exits and when SIGINT, SIGTERM or
 * SIGHUP end it. Nothing here can see SIGKILL; the next start clears up after that (postgres-leftovers.ts).
 */
import type { ChildProcess } from 'node:child_process'
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
  void ended.then(() => {
    running.delete(child)
    if (running.size === 0) stopListening()
  })
  return async () => {
    if (child.pid !== undefined && !hasEnded()) await Promise.race([ended, stopProcess(child.pid)])
    await ended
  }
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
 * Listening for a signal switches off its default, which is to end the process. Somebody else who listens may want the
 * database while they finish, and will exit; when nobody does, this does what would have happened without us.
 */
function onSignal(signal: NodeJS.Signals) {
  if (process.listenerCount(signal) > 1) return
  endServers()
  stopListening()
  process.kill(process.pid, signal)
}
