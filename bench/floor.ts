/** The floor (floor.worker.js) alone in workerd, without a store: for what takes CPU time and no trip. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ALL_IN_ONE, readWorkers } from '../ops/routes.ts'
import { buildBare } from './stack.ts'
import { startWorkerd } from './workerd.ts'

export async function startFloor() {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-floor-'))
  const bundle = path.join(folder, 'floor')
  await buildBare('bench/floor.worker.js', bundle)
  const compatibilityDate = readWorkers().get(ALL_IN_ONE)?.compatibility_date ?? ''
  const services = [{ name: 'floor', bundle, bindings: {} }]
  const workerd = await startWorkerd({ folder, services, compatibilityDate })
  const stop = async () => {
    await workerd.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { port: workerd.ports.floor ?? 0, pid: workerd.pid, stop }
}
