/**
 * Ties a PostgreSQL server to this process: it ends when asked to, when the process exits and when SIGINT, SIGTERM or
 * SIGHUP end the process. It cannot see SIGKILL; the next start clears up after that (postgres-leftovers.ts).
 */
import type { ChildProcess } from 'node:child_process'
import { stopProcess } from './postgres-leftovers.ts'

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** @returns stop, which resolves once the server has ended and may be called again */
export function endWithParent(child: ChildProcess): () => Promise<void> {
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  // SIGINT is PostgreSQL's "fast shutdown"; the server finishes it alone after we are gone.
  const endServer = () => {
    child.kill('SIGINT')
  }
  const onSignal = (signal: NodeJS.Signals) => {
    endServer()
    // Listening for a signal switches off its default, which is to end the process. Others who listen decide for
    // themselves; when we are the last, do what would have happened without us.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  process.once('exit', endServer)
  for (const signal of ENDING_SIGNALS) process.once(signal, onSignal)
  void ended.then(() => {
    process.off('exit', endServer)
    for (const signal of ENDING_SIGNALS) process.off(signal, onSignal)
  })
  return async () => {
    if (child.pid !== undefined && !hasEnded()) await Promise.race([ended, stopProcess(child.pid)])
    await ended
  }
}
