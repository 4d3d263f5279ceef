/**
 * `npm run bench -- --account` — what the owner of an account with a million live sessions waits for, against the owner of
 * one with a single session: in turns, on the same Worker. It reports and never fails for being slow.
 */
import pg from 'pg'
import { mailedToken } from '../test/support/mailed.ts'
import { createSender, type Send } from './client.ts'
import { newEmail } from './operations.ts'
import type { Stack } from './stack.ts'
import type { Workerd } from './workerd.ts'

const PILE = 1_000_000
const ROUNDS = 15
const PASSWORD = 'correct horse battery'

type Tokens = { access_token: string; refresh_token: string; user: { id: string }; session: { id: string } }
type Owner = { email: string; tokens: Tokens }

const median = (values: number[]) => values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0

export async function measureAccount(stack: Stack, { ports }: Workerd): Promise<void> {
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  await client.connect()
  const { send, close } = createSender(ports.latchkey ?? 0)
  try {
    const single = await register(send)
    const piled = await register(send)
    console.log(`making ${PILE} sessions of one account`)
    await pile(client, piled.tokens.session.id)
    await client.query('vacuum analyze sessions')
    const bindings = stack.bindingsFor(stack.ports)
    const sql = async (text: string, values?: unknown[]) => (await client.query(text, values)).rows
    const stage = { sql, bindings } as Parameters<typeof mailedToken>[0] // its rows are whatever the caller says they are

    const taken: Record<string, Record<'single' | 'piled', number[]>> = {}
    const time = async (name: string, whose: 'single' | 'piled', call: () => Promise<unknown>) => {
      const startedAt = performance.now()
      await call()
      taken[name] ??= { single: [], piled: [] }
      taken[name]?.[whose].push(performance.now() - startedAt)
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const [whose, owner] of [
        ['single', single],
        ['piled', piled],
      ] as const) {
        await time('sign in', whose, async () => {
          owner.tokens = await signIn(send, owner.email)
        })
        const { access_token: bearer, refresh_token, user } = owner.tokens
        await time('refresh', whose, () => send({ path: '/v1/refresh', json: { refresh_token } }))
        await time('me', whose, () => send({ path: '/v1/me', bearer }))
        await time('list sessions', whose, () => send({ path: '/v1/sessions', bearer }))
        await time('sign out elsewhere', whose, () =>
          send({ method: 'DELETE', path: '/v1/sessions?except=current', bearer }),
        )
        await send({ path: '/v1/password/forgot', json: { email: owner.email } })
        const { token } = await mailedToken(stage, 'reset_password', user.id)
        await time('reset', whose, () =>
          send({ path: '/v1/password/reset', json: { token, password: PASSWORD } }),
        )
      }
    }
    const rows = Object.entries(taken).map(([name, { single: one, piled: many }]) => [
      name,
      {
        'p50 ms, 1 session': Number(median(one).toFixed(1)),
        [`p50 ms, ${PILE}`]: Number(median(many).toFixed(1)),
        ratio: Number((median(many) / median(one)).toFixed(2)),
      },
    ])
    console.table(Object.fromEntries(rows))
    const [left] = await sql(
      'select count(*)::int as open from sessions where user_id = $1 and revoked_at is null',
      [piled.tokens.user.id],
    )
    console.log(`${left?.open} rows of ${PILE} were still to be ended in the background`)
  } finally {
    close()
    await client.end()
  }
}

async function register(send: Send): Promise<Owner> {
  const email = newEmail()
  const { body } = await send({ path: '/v1/register', json: { email, password: PASSWORD } })
  return { email, tokens: JSON.parse(body) }
}

async function signIn(send: Send, email: string): Promise<Tokens> {
  const { body } = await send({ path: '/v1/login', json: { email, password: PASSWORD } })
  return JSON.parse(body)
}

/** As if a browser that the account knows had signed in again and again, a second apart. */
async function pile(client: pg.Client, sessionId: string): Promise<void> {
  await client.query(
    `insert into sessions (id, tenant_id, user_id, created_at, expires_at, idle_expires_at, amr, aal)
     select uuidv7(make_interval(secs => -n)), tenant_id, user_id, created_at - make_interval(secs => n), expires_at,
       idle_expires_at, amr, aal
     from sessions cross join generate_series(1, $2::int) as n where id = $1`,
    [sessionId, PILE],
  )
}
