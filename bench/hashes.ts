/**
 * `npm run bench -- --hashes` — what verifying one imported password takes (docs/moving-in.md), in CPU time of workerd and
 * in hashes of ours. None of the passwords fits, which takes as long as one that does.
 */
import { createSender } from './client.ts'
import { startFloor } from './floor.ts'
import { cpuMs, describeMachine, watchLoad } from './machine.ts'
import { measure } from './measure.ts'

const filled = (bytes: number, encoding: 'base64' | 'hex' = 'base64') =>
  Buffer.alloc(bytes, 7).toString(encoding).replace(/=+$/, '')
const BCRYPT = '.'.repeat(53) // a salt and a value: zeros
const bcrypt = (cost: number) => `$2b$${cost}$${BCRYPT}`
const pbkdf2 = (digest: string, iterations: number) =>
  `$pbkdf2-${digest}$i=${iterations}$${filled(16)}$${filled(20)}`
const argon2 = (memoryKiB: number, passes: number) =>
  `$argon2id$v=19$m=${memoryKiB},t=${passes},p=1$${filled(16)}$${filled(32)}`

const HASHES: [name: string, hash: string][] = [
  ...[10, 12, 13, 14].map((cost): [string, string] => [`bcrypt, ${cost}`, bcrypt(cost)]),
  ['WordPress 6.8, bcrypt of 10', `$wp${bcrypt(10).replace('$2b$', '$2y$')}`],
  ['Django, bcrypt over SHA-256 of 12', `bcrypt_sha256$${bcrypt(12)}`],
  ['PBKDF2-SHA-256 of 27,500', pbkdf2('sha256', 27_500)],
  ['PBKDF2-SHA-256 of 100,000', pbkdf2('sha256', 100_000)],
  ['PBKDF2-SHA-256 of 390,000', pbkdf2('sha256', 390_000)],
  ['PBKDF2-SHA-256 of 600,000', pbkdf2('sha256', 600_000)],
  ['PBKDF2-SHA-256 of 1,200,000', pbkdf2('sha256', 1_200_000)],
  ['PBKDF2-SHA-512 of 210,000', pbkdf2('sha512', 210_000)],
  ['PBKDF2-SHA-1 of 1,300,000', pbkdf2('sha1', 1_300_000)],
  ['Argon2id, 64 MiB, 3 passes', argon2(64 * 1024, 3)],
  ['Argon2id, 100 MiB, 2 passes (Django)', argon2(100 * 1024, 2)],
  ['scrypt, 16384, 8, 1', `$scrypt$ln=14,r=8,p=1$${filled(16)}$${filled(32)}`],
  ['scrypt, 32768, 8, 1 (Werkzeug)', `scrypt:32768:8:1$salt$${filled(64, 'hex')}`],
  ['Firebase scrypt, 14, 8', `$firebase-scrypt$ln=14,r=8$${filled(16)}$${filled(64)}`],
]

export async function measureHashes(): Promise<void> {
  const floor = await startFloor()
  const { send, close } = createSender(floor.port)
  try {
    const { body: own } = await send({ path: '/hash' })
    const tasks = [
      { name: 'ours', run: () => send({ path: '/verify', text: own }) },
      ...HASHES.map(([name, text]) => ({ name, run: () => send({ path: '/verify-imported', text }) })),
    ]
    const meters = { cpu: () => cpuMs(floor.pid), trips: () => ({ postgres: 0, redis: 0 }) }
    await measure(tasks, { rounds: 1, callsPerTurn: 1 }, meters)
    const loadSince = watchLoad()
    const measured = await measure(tasks, { rounds: 4, callsPerTurn: 3 }, meters)
    const { othersShare } = loadSince()
    const cpuOf = (name: string) => measured.get(name)?.cpuMs ?? Number.NaN
    const rows = tasks.map(({ name }) => [
      name,
      {
        'CPU ms': Math.round(cpuOf(name)),
        'hashes of ours': Number((cpuOf(name) / cpuOf('ours')).toFixed(1)),
      },
    ])
    console.table(Object.fromEntries(rows))
    const { cores, cpu, node } = describeMachine()
    console.log(
      `${cores} × ${cpu}, Node ${node}, ${(othersShare * 100).toFixed(0)} % of the machine taken by others`,
    )
  } finally {
    close()
    await floor.stop()
  }
}
