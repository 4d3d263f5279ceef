/** What sign-ins leave behind in workerd's resident memory: Argon2 takes 19 MiB at a time and must not take it twice. */
import { setTimeout as wait } from 'node:timers/promises'
import { createSender } from './client.ts'
import { residentMiB } from './machine.ts'
import { prepareLogin } from './operations.ts'
import type { Workerd } from './workerd.ts'

export type Memory = { idle: number; after100Sequential: number; after50Concurrent: number; peak: number }

/** @param workerd freshly started: what it has grown to before would be hidden */
export async function measureMemory({ pid, ports }: Workerd): Promise<Memory> {
  const { send, close } = createSender(ports.latchkey ?? 0)
  const login = await prepareLogin(send)
  await login()
  await wait(500)
  const idle = residentMiB(pid)
  let peak = idle
  const watch = setInterval(() => {
    peak = Math.max(peak, residentMiB(pid))
  }, 20)
  for (let done = 0; done < 100; done++) await login()
  const after100Sequential = residentMiB(pid)
  await Promise.all(Array.from({ length: 50 }, login))
  const after50Concurrent = residentMiB(pid)
  clearInterval(watch)
  close()
  return { idle, after100Sequential, after50Concurrent, peak: Math.max(peak, after50Concurrent) }
}
