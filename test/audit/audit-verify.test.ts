/**
 * The audit log against someone who can write to its tables: whatever they change, remove, insert or cut off is found.
 * And against its own promise to forget: erasing a person leaves every chain valid.
 */
import { execFile } from 'node:child_process'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { verifyChains } from '../../ops/audit.ts'
import { BARE_SHELL } from '../support/bare-shell.ts'
import { type Client, newClient } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'

const stage = useStage()

afterEach(() => stage().queue.take())

const sql = (text: string, values: unknown[] = []) => stage().service.sql(text, values)

/** A tenant with a chain of five: two events of a registration, three of sign-ins. */
async function newChain() {
  const client = await newClient(stage().service)
  const { email, tokens } = await client.newAccount()
  for (let time = 0; time < 3; time++) await client.signIn(email)
  await consumeAll(client, 5)
  return { client, email, tokens }
}

async function consumeAll({ tenant }: Client, rows: number) {
  await vi.waitFor(async () => {
    await stage().settle()
    expect(await stage().audited(tenant)).toHaveLength(rows)
  }, 60_000)
}

async function problemsOf({ tenant }: Client, expected: { sequence: number; hash: string } | null = null) {
  const [chain, ...others] = await verifyChains(stage().service.backend.operator, tenant.id, expected)
  expect(others).toEqual([])
  return chain?.problems ?? []
}

const head = async ({ tenant }: Client) => {
  const [row] = await sql(
    `select sequence::int, encode(hash, 'hex') as hash from audit_heads where tenant_id = $1`,
    [tenant.id],
  )
  return row as { sequence: number; hash: string }
}

describe('verify', () => {
  test('finds an untouched chain intact, as far as it goes and through every head it ever had', async () => {
    const { client, email } = await newChain()
    const early = await head(client)
    expect(early.sequence).toBe(5)
    await client.signIn(email)
    await consumeAll(client, 6)
    expect(await problemsOf(client)).toEqual([])
    expect(await problemsOf(client, early)).toEqual([])
    expect(await problemsOf(client, await head(client))).toEqual([])
  })

  const COLUMNS = [
    ['the data', `data = data || '{"amr": ["otp"]}'`],
    ['a name in the data', `data = data || '{"more": 1}'`],
    ['what is personal', `personal = personal || 'A'`],
    ['what is personal, taken away', 'personal = null'],
    ['the type', `type = 'session.ended'`],
    ['the time', `occurred_at = occurred_at + interval '1 ms'`],
    ['the subject', 'subject = gen_random_uuid()'],
    ['the actor', 'actor = null'],
    ['the sessions', `session_ids = '{}'`],
    ['the id', 'id = gen_random_uuid()'],
  ] as const
  test.each(COLUMNS)('finds a row in which %s was changed', async (_, change) => {
    const { client } = await newChain()
    await sql(`update audit_events set ${change} where tenant_id = $1 and sequence = 4`, [client.tenant.id])
    const [problem, ...others] = await problemsOf(client)
    expect(problem).toMatch(/^row 4 \(.*\) was changed$/)
    expect(others).toEqual([])
  })

  const TAMPERINGS: [what: string, statements: string[], problem: RegExp][] = [
    [
      'a row that was removed',
      ['delete from audit_events where tenant_id = $1 and sequence = 3'],
      /1 rows are missing/,
    ],
    [
      'the first row removed',
      ['delete from audit_events where tenant_id = $1 and sequence = 1'],
      /1 rows are missing/,
    ],
    [
      'rows that changed places',
      [
        `update audit_events set sequence = case sequence when 3 then 4 else 3 end
         where tenant_id = $1 and sequence in (3, 4)`,
      ],
      /does not follow the row before it/,
    ],
    [
      'a tail that was cut off',
      ['delete from audit_events where tenant_id = $1 and sequence > 3'],
      /ends at 3/,
    ],
    [
      'a chain that was cut off whole',
      ['delete from audit_events where tenant_id = $1'],
      /the chain ends at 0, and its head says 5/,
    ],
    [
      'a row that was inserted',
      [
        `insert into audit_events
         select gen_random_uuid(), occurred_at, tenant_id, sequence, type, actor, subject, session_ids, data, personal,
           network, previous_hash, hash from audit_events where tenant_id = $1 and sequence = 3`,
      ],
      /was changed|rows are missing/,
    ],
    [
      'a row that was appended',
      [
        `insert into audit_events
         select gen_random_uuid(), occurred_at, tenant_id, 6, type, actor, subject, session_ids, data, personal,
           network, hash, sha256('x') from audit_events where tenant_id = $1 and sequence = 5`,
      ],
      /the chain ends at 6/,
    ],
    [
      'a head that was moved back with its tail',
      [
        'delete from audit_events where tenant_id = $1 and sequence = 5',
        'update audit_heads set sequence = 4 where tenant_id = $1',
      ],
      /the chain ends at 4/,
    ],
    [
      'a head that was changed',
      [`update audit_heads set hash = sha256('x') where tenant_id = $1`],
      /the chain ends at 5/,
    ],
    [
      'a beginning that retention never moved',
      [
        'delete from audit_events where tenant_id = $1 and sequence <= 2',
        `update audit_heads set dropped_sequence = 2, dropped_hash = sha256('x') where tenant_id = $1`,
      ],
      /row 3 .* does not follow/,
    ],
  ]
  test.each(TAMPERINGS)('finds %s', async (_, statements, problem) => {
    const { client } = await newChain()
    const { client: neighbour } = await newChain()
    for (const statement of statements) await sql(statement, [client.tenant.id])
    expect((await problemsOf(client)).join('\n')).toMatch(problem)
    expect(await problemsOf(neighbour), 'every tenant has a chain of its own').toEqual([])
  })

  test('finds a tail that was cut off together with its head by a head that the log once named', async () => {
    const { client } = await newChain()
    const named = stage()
      .service.logs()
      .filter((line) => line.includes('"audit written"'))
      .map((line) => JSON.parse(line))
      .find(({ tenant_id, sequence }) => tenant_id === client.tenant.id && sequence === 5)
    expect(named.hash).toBe((await head(client)).hash)
    await sql('delete from audit_events where tenant_id = $1 and sequence = 5', [client.tenant.id])
    await sql(
      `update audit_heads set sequence = 4, hash = audit_events.hash from audit_events
       where audit_heads.tenant_id = $1 and audit_events.tenant_id = $1 and audit_events.sequence = 4`,
      [client.tenant.id],
    )
    expect(await problemsOf(client)).toEqual([])
    expect(await problemsOf(client, named)).toEqual([expect.stringMatching(/does not lead through 5:/)])
  })
})

/** `npm run audit -- …` as an operator runs it. */
function audit(...options: string[]): Promise<{ code: number; out: string }> {
  const { ENVIRONMENT, DATABASE_URL } = stage().service.bindings
  return new Promise((resolve) => {
    const env = { ...BARE_SHELL, ENVIRONMENT, DATABASE_URL }
    execFile(process.execPath, ['ops/audit.ts', ...options], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, out: `${stdout}${stderr}` }),
    )
  })
}

test('the command ends with 0 for an intact chain, with 1 for a broken one, and says where', async () => {
  const { client } = await newChain()
  const { id } = client.tenant
  const { sequence, hash } = await head(client)
  expect(await audit('verify', id)).toEqual({ code: 0, out: `${id} intact 5 rows, head 5:${hash}\n` })
  expect((await audit('verify', id, '--expect', `${sequence}:${hash}`)).code).toBe(0)
  expect((await audit('verify', id, '--expect', `5:${'0'.repeat(64)}`)).code).toBe(1)
  expect((await audit('verify', '--expect', 'x')).code).toBe(1)
  expect((await audit()).code).toBe(1)
  await sql(`update audit_events set type = 'session.ended' where tenant_id = $1 and sequence = 2`, [id])
  const broken = await audit('verify', id)
  expect(broken).toEqual({ code: 1, out: expect.stringMatching(/BROKEN 5 rows.*\n {2}row 2 .* was changed/) })
})

describe('erasing a person', () => {
  test('leaves the chain valid, their rows without a person in them, and everyone else as they are', async () => {
    const { client, tokens } = await newChain()
    const { tokens: other } = await client.newAccount()
    await consumeAll(client, 7)
    const before = await stage().audited(client.tenant)
    expect(await audit('erase', tokens.user.id)).toEqual({ code: 0, out: '' })
    expect(await problemsOf(client)).toEqual([])
    const rows = await stage().audited(client.tenant)
    const theirs = rows.filter(({ subject }) => subject === tokens.user.id)
    expect(theirs.map(({ network }) => network)).toEqual([null, null, null, null, null])
    const others = (all: typeof rows) => all.filter(({ subject }) => subject === other.user.id)
    expect(others(rows)).toEqual(others(before))
    expect(others(rows).every(({ network, personal }) => network && personal)).toBe(true)
    const keys = await sql('select user_id from person_keys where user_id = any($1)', [
      [tokens.user.id, other.user.id],
    ])
    expect(keys).toEqual([{ user_id: other.user.id }])
    const kept = await sql('select 1 from events where subject = $1 and client is not null', [tokens.user.id])
    expect(kept, 'nor does the outbox keep it').toEqual([])
  })

  test('an event that comes late has nothing personal any more, and makes them no new key', async () => {
    const { client, email, tokens } = await newChain()
    await client.signIn(email)
    await sql('update users set deleted_at = now(), email = null where id = $1', [tokens.user.id])
    await audit('erase', tokens.user.id)
    await consumeAll(client, 6)
    const late = (await stage().audited(client.tenant)).at(-1)
    expect(late).toMatchObject({ subject: tokens.user.id, personal: null, network: null })
    expect(await sql('select 1 from person_keys where user_id = $1', [tokens.user.id])).toEqual([])
    expect(await problemsOf(client)).toEqual([])
  })
})
