/**
 * `node bench/enumeration.ts` — whether the time of an answer reveals whether an address has an account: each operation asked
 * about addresses without an account and about accounts in every state, in turns, and the two sets of times compared.
 * It reports and never fails: on a machine that others use, a small p-value may be theirs.
 *   node bench/enumeration.ts --samples=50    fewer than 300 for each, for a look
 */
import pg from 'pg'
import { createSender, type Send } from './client.ts'
import { describeMachine, watchLoad } from './machine.ts'
import { quantile } from './measure.ts'
import { newEmail } from './operations.ts'
import { type Stack, startStack } from './stack.ts'
import { startWorkerd } from './workerd.ts'

/** The tenant of `seed` that registers after proof. */
const HOST = 'verify.localhost:8787'
const WARM_UP = 20

/** By what is so of the account `users.id`, all of which have the same password at first. */
const STATES = {
  proved: 'update users set email_verified_at = now() where id = any($1)',
  unproved: 'update users set email_verified_at = null where id = any($1)',
  disabled: `update users set email_verified_at = now(), status = 'disabled' where id = any($1)`,
  closed: 'update users set deleted_at = now() where id = any($1)',
  'without a password': 'delete from passwords where user_id = any($1)',
  locked: 'update users set email_verified_at = now() where id = any($1)',
}
const UNKNOWN = 'unknown'
/** Compared with each other alone: an attempt that is not heard is refused before anything is hashed. */
const LOCKED = ['unknown, locked', 'locked']
const LOCK = `insert into sign_in_failures (tenant_id, subject, consecutive_failures)
  select $1, sha256(convert_to('account', 'UTF8') || '\\x00'::bytea || convert_to(email, 'UTF8')), 100
  from unnest($2::text[]) as email`

type Ask = (send: Send, email: string) => Promise<unknown>

const ask =
  (path: string, rest: object = {}): Ask =>
  (send, email) =>
    send({ path, json: { email, ...rest } })

const OPERATIONS: Record<string, Ask> = {
  register: ask('/v1/register', { password: 'another battery staple' }),
  'login, wrong password': ask('/v1/login', { password: 'not the password' }),
  forgot: ask('/v1/password/forgot'),
  resend: ask('/v1/email/resend'),
  code: ask('/v1/email/code'),
  'code/verify, wrong code': ask('/v1/email/code/verify', { code: '000000' }),
}

type Model = { tenant_id: string; phc: string; key_id: string }

/** An ordinary account, whose hash the others share: a thousand hashes would only warm the machine. */
async function makeModel(client: pg.Client, send: Send): Promise<Model> {
  const email = newEmail()
  await send({ path: '/v1/register', json: { email, password: 'correct horse battery' } })
  const { rows } = await client.query<Model>(
    'select tenant_id, phc, key_id from passwords where user_id = (select id from users where email = $1)',
    [email],
  )
  if (!rows[0]) throw new Error('no account was registered')
  return rows[0]
}

/** @returns `count` addresses in that state */
async function plant(client: pg.Client, { tenant_id, phc, key_id }: Model, state: string, count: number) {
  const emails = Array.from({ length: count }, newEmail)
  if (LOCKED.includes(state)) await client.query(LOCK, [tenant_id, emails])
  const change = STATES[state as keyof typeof STATES] // absent where there is no account
  if (!change) return emails
  const { rows } = await client.query<{ id: string }>(
    `with account as (
       insert into users (id, tenant_id, email) select gen_random_uuid(), $1, unnest($2::text[]) returning id, tenant_id)
     insert into passwords (user_id, tenant_id, phc, key_id) select id, tenant_id, $3, $4 from account
     returning user_id as id`,
    [tenant_id, emails, phc, key_id],
  )
  await client.query(change, [rows.map(({ id }) => id)])
  return emails
}

/** Times of every state, taken in turns, whose order is another one each round: what drifts is the same for all. */
async function sample(perform: Ask, send: Send, addresses: Map<string, string[]>, rounds: number) {
  const states = [...addresses.keys()]
  const times = new Map(states.map((state) => [state, [] as number[]]))
  for (let round = 0; round < rounds; round++) {
    for (const [turn] of states.entries()) {
      const state = states[(turn + round) % states.length] ?? UNKNOWN
      const startedAt = performance.now()
      await perform(send, addresses.get(state)?.[round] ?? '')
      if (round >= WARM_UP) times.get(state)?.push(performance.now() - startedAt)
    }
  }
  return times
}

/** Two-sided p-value of the Mann–Whitney U test, by the normal approximation with the correction for ties. */
export function mannWhitney(one: readonly number[], other: readonly number[]): number {
  const all = [
    ...one.map((value) => ({ value, isOne: true })),
    ...other.map((value) => ({ value, isOne: false })),
  ]
  all.sort((a, b) => a.value - b.value)
  let ranks = 0
  let ties = 0
  for (let from = 0; from < all.length; ) {
    let to = from
    while (to < all.length && all[to]?.value === all[from]?.value) to += 1
    const tied = to - from
    ranks += all.slice(from, to).filter(({ isOne }) => isOne).length * ((from + 1 + to) / 2)
    ties += tied ** 3 - tied
    from = to
  }
  const [n, m, total] = [one.length, other.length, all.length]
  const u = ranks - (n * (n + 1)) / 2
  const deviation = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * (total - 1))))
  const z = (Math.abs(u - (n * m) / 2) - 0.5) / deviation
  return Math.min(1, 2 * (1 - normal(z)))
}

/** The distribution function of the standard normal (Abramowitz and Stegun 26.2.17, to 7.5e-8). */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const [a, b, c, d, e] = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429]
  const tail =
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * t * (a + t * (b + t * (c + t * (d + t * e))))
  return z > 0 ? 1 - tail : tail
}

async function compare(stack: Stack, client: pg.Client, samples: number): Promise<void> {
  const services = [
    { name: 'latchkey', bundle: stack.bundles.latchkey, bindings: stack.bindingsFor(stack.ports) },
  ]
  const workerd = await startWorkerd({ ...stack, services })
  const { request, send, close } = createSender(workerd.ports.latchkey ?? 0, undefined, HOST)
  try {
    const model = await makeModel(client, send)
    for (const [name, perform] of Object.entries(OPERATIONS)) {
      const addresses = new Map<string, string[]>()
      for (const state of [UNKNOWN, 'unknown, locked', ...Object.keys(STATES)])
        addresses.set(state, await plant(client, model, state, samples + WARM_UP))
      await client.query('analyze')
      const times = await sample(perform, request, addresses, samples + WARM_UP)
      const rows = [...times].map(([state, taken]) => {
        const unknown = times.get(state === 'locked' ? 'unknown, locked' : UNKNOWN) ?? []
        return [state, describe(taken, unknown)]
      })
      console.log(`\n${name}`)
      console.table(Object.fromEntries(rows))
    }
  } finally {
    close()
    await workerd.stop()
  }
}

const describe = (taken: number[], unknown: number[]) => ({
  'p50 ms': Number(quantile(taken, 0.5).toFixed(2)),
  'p90 ms': Number(quantile(taken, 0.9).toFixed(2)),
  'p50 over unknown': Number((quantile(taken, 0.5) - quantile(unknown, 0.5)).toFixed(2)),
  p: taken === unknown ? '' : mannWhitney(unknown, taken).toPrecision(2),
})

async function main(): Promise<void> {
  const samples = Number(/--samples=(\d+)/.exec(process.argv.join(' '))?.[1] ?? 300)
  const stack = await startStack()
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  try {
    await client.connect()
    const loadSince = watchLoad()
    await compare(stack, client, samples)
    const { cores, cpu, node } = describeMachine()
    const { loadAverage, othersShare } = loadSince()
    console.log(
      `\n${samples} of each, in turns; ${cores} × ${cpu}, Node ${node}, load ${loadAverage.toFixed(2)}, ` +
        `${(othersShare * 100).toFixed(0)} % of the machine taken by others`,
    )
  } finally {
    await client.end()
    await stack.stop()
  }
}

await main()
