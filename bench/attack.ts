/** How many requests a second one isolate refuses while it is attacked, and what a refusal costs against a sign-in. */
import { createSender } from './client.ts'
import { cpuMs } from './machine.ts'
import { newEmail, prepareLogin } from './operations.ts'
import type { Workerd } from './workerd.ts'

export type Attack = { refusedPerSecond: number; cpuMsPerRefusal: number; cpuMsPerSignIn: number }

const SIGN_INS = 20
/** As many guesses as an address has in a minute (src/limits/limits.ts). */
const ALLOWED = 100
const CALLERS = 32
const SECONDS = 5

/** @param workerd with the limits of production */
export async function measureAttack({ pid, ports }: Workerd): Promise<Attack> {
  const { send, request, close } = createSender(ports.latchkey ?? 0, '198.51.100.66') // an address with its own counters
  const login = await prepareLogin(send)
  await login()
  const before = cpuMs(pid)
  for (let done = 0; done < SIGN_INS; done++) await login()
  const cpuMsPerSignIn = (cpuMs(pid) - before) / SIGN_INS

  const guess = () =>
    request({ path: '/v1/login', json: { email: newEmail(), password: 'not the password' } })
  await Promise.all(Array.from({ length: ALLOWED }, guess))
  const [cpuBefore, startedAt] = [cpuMs(pid), performance.now()]
  let [refused, others] = [0, 0]
  const attack = async () => {
    while (performance.now() - startedAt < SECONDS * 1000) {
      if ((await guess()).status === 429) refused += 1
      else others += 1
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, attack))
  const seconds = (performance.now() - startedAt) / 1000
  close()
  // What a new window lets through costs a hash each, and is no refusal.
  const cpuMsOfRefusals = cpuMs(pid) - cpuBefore - others * cpuMsPerSignIn
  return { refusedPerSecond: refused / seconds, cpuMsPerRefusal: cpuMsOfRefusals / refused, cpuMsPerSignIn }
}
