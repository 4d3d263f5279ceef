/**
 * Many wrong passwords at once at one isolate with the settings of production: what they are answered, and how long others
 * wait meanwhile, in times that one hash takes on the same machine. `npm run bench -- --burst`
 *
 * The first sign-in of another is sent behind the whole burst. What it waited for is counted in CPU time of the isolate's
 * thread, too: that is the same on a busy machine.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { createSender } from './client.ts'
import { mainThreadMs } from './machine.ts'
import { newEmail } from './operations.ts'
import type { Stack } from './stack.ts'
import { startWorkerd, type Workerd } from './workerd.ts'

const BURST = 200
const ROUNDS = 3
const PASSWORD = 'correct horse battery'
const WRONG = 'not the password'

/** Of production: none of what makes other measurements patient. */
const PRODUCTION = {
  LIMITS_MULTIPLIER: '1',
  MAX_HASHES_IN_FLIGHT: '8',
  HASH_WAIT_MS: '250',
  REDIS_TIMEOUT_MS: '250',
  POSTGRES_TIMEOUT_MS: '2000',
  REQUEST_TIMEOUT_MS: '8000',
}

type Shape = {
  title: string
  accounts: number
  callers: number
  each: number
  /** Whether the other signs in with a browser that their account knows. */
  isKnown?: boolean
}

const SPREAD = { accounts: BURST, callers: BURST, each: 1 }
const SHAPES: Shape[] = [
  { title: `${BURST} at once at one account`, accounts: 1, callers: BURST, each: 1 },
  { title: `${BURST} at once at ${BURST} accounts, the other is one of as many strangers`, ...SPREAD },
  { title: `${BURST} at once at ${BURST} accounts, the other has a known browser`, ...SPREAD, isKnown: true },
  { title: '20 callers at one account, without a pause', accounts: 1, callers: 20, each: 40 },
]

type Timed = { status: number; ms: number; cpuMs: number }

type Call = () => Promise<{ status: number }>

const timedIn =
  (pid: number) =>
  async (call: Call): Promise<Timed> => {
    const [startedAt, cpuBefore] = [performance.now(), mainThreadMs(pid)]
    const { status } = await call()
    return { status, ms: performance.now() - startedAt, cpuMs: mainThreadMs(pid) - cpuBefore }
  }

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const addressOf = (index: number) => `198.51.${100 + Math.floor(index / 250)}.${1 + (index % 250)}`

/** Limits and failures of a round are not the next one's: each has an isolate and accounts of its own. */
export async function measureBurst(stack: Stack): Promise<void> {
  const bindings = { ...stack.bindingsFor(stack.ports), ...PRODUCTION }
  const { latchkey, floor } = stack.bundles
  for (const shape of SHAPES) {
    const firsts: { wall: number; cpu: number }[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      const services = [
        { name: 'latchkey', bundle: latchkey, bindings },
        { name: 'floor', bundle: floor, bindings },
      ]
      const workerd = await startWorkerd({ ...stack, services })
      try {
        const { said, first } = await measureOne(workerd, shape, `203.0.${round}.7`)
        console.log(`${shape.title}, round ${round}: ${said}`)
        firsts.push(first)
      } finally {
        await workerd.stop()
      }
    }
    const [wall, cpu] = (['wall', 'cpu'] as const).map((name) => median(firsts.map((first) => first[name])))
    console.log(
      `${shape.title}: the first sign-in of another is answered within ${wall?.toFixed(1)} hashes, ` +
        `${cpu?.toFixed(1)} of them CPU time (medians; target <= 3)`,
    )
  }
}

type Measured = { said: string; first: { wall: number; cpu: number } }

async function measureOne({ ports, pid }: Workerd, shape: Shape, address: string): Promise<Measured> {
  const timed = timedIn(pid)
  const port = ports.latchkey ?? 0
  const own = createSender(port, address)
  const hash = createSender(ports.floor ?? 0)
  const attackers = Array.from({ length: shape.callers }, (_, index) => createSender(port, addressOf(index)))
  const [email = '', ...victims] = Array.from({ length: shape.accounts + 1 }, newEmail)
  let cookie: string | undefined
  const json = { email, password: PASSWORD, transport: shape.isKnown ? 'cookie' : 'token' }
  const login = async () => {
    const answer = await own.request({ path: '/v1/login', json, cookie })
    if (shape.isKnown && answer.status === 200) cookie = answer.cookies
    return answer
  }
  const repeat = async (times: number, call: Call) => {
    const all: Timed[] = []
    while (all.length < times) all.push(await timed(call))
    return all
  }
  try {
    for (const address of [email, victims[0]])
      await own.send({ path: '/v1/register', json: { email: address, password: PASSWORD } })
    const { body: phc } = await hash.send({ path: '/hash' })
    const verify = () => hash.send({ path: '/verify', text: phc })
    const hashes = await repeat(10, verify)
    const hashMs = median(hashes.map(({ ms }) => ms))
    const hashCpuMs = median(hashes.map(({ cpuMs }) => cpuMs))
    const quiet = median((await repeat(5, login)).map(({ ms }) => ms))
    // So many connections of the local endpoint to PostgreSQL are open before; and what requests without any work take.
    await Promise.all(attackers.map(({ request }) => request({ path: '/readyz' })))
    const { ms: emptyMs } = await timed(async () => {
      await Promise.all(attackers.map(({ request }) => request({ path: '/healthz' })))
      return { status: 200 }
    })

    let isOver = false
    const meanwhile = async (call: Call) => {
      const all: Timed[] = []
      for (; !isOver; await wait(20)) all.push(await timed(call))
      return all
    }
    const guess = (index: number) => {
      const json = { email: victims[index % shape.accounts], password: WRONG }
      return repeat(shape.each, () => attackers[index]?.request({ path: '/v1/login', json }) ?? login())
    }
    const burst = Promise.all(attackers.map((_, index) => guess(index))).finally(() => {
      isOver = true
    })
    const [answers, signIns, reads] = await Promise.all([
      burst.then((all) => all.flat()),
      meanwhile(login),
      meanwhile(() => own.request({ path: '/readyz' })),
    ])
    const counts: Record<string, number> = {}
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
    const inHashes = (ms: number) => (ms / hashMs).toFixed(1)
    const listed = (all: Timed[]) =>
      all
        .slice(0, 12)
        .map(({ status, ms }) => `${status} ${inHashes(ms)}`)
        .join(', ')
    const said =
      `${JSON.stringify(counts)}; one hash ${hashMs.toFixed(0)} ms, ${shape.callers} empty requests ${inHashes(emptyMs)} hashes; ` +
      `a sign-in of another: quiet ${inHashes(quiet)}, meanwhile ${listed(signIns)}; readyz: ${listed(reads)}`
    const [{ ms, cpuMs } = { ms: 0, cpuMs: 0 }] = signIns
    return { said, first: { wall: ms / hashMs, cpu: cpuMs / hashCpuMs } }
  } finally {
    for (const sender of [own, hash, ...attackers]) sender.close()
  }
}
