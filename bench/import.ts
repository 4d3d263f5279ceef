/**
 * `node bench/import.ts [lines]` — an import into a database that has a million accounts: how long each 10,000 lines take,
 * from the first to the last, while their events pile up and no sweep runs; and the memory of the process, the endpoint's
 * included.
 */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { startNeonEndpoint } from '../dev/neon-endpoint.ts'
import { startPostgres } from '../dev/postgres.ts'
import { seed } from '../dev/seed.ts'
import { createOperatorContext } from '../ops/context.ts'
import { DEADLINES, importUsers } from '../ops/import.ts'
import { newKeyringEntry } from '../ops/keyring.ts'
import { migrateAll } from '../ops/migrate.ts'

const ACCOUNTS = 1_000_000
const STEP = 10_000
const HASH = '$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2'

async function fillAccounts(url: string): Promise<string> {
  const client = new pg.Client(url)
  await client.connect()
  const { rows } = await client.query<{ id: string }>('select id from tenants limit 1')
  const tenantId = rows[0]?.id ?? ''
  await client.query(
    `insert into users (id, tenant_id, email) select gen_random_uuid(), $1, 'old' || n || '@example.com'
     from generate_series(1, ${ACCOUNTS}) n`,
    [tenantId],
  )
  await client.query(
    `insert into passwords (user_id, tenant_id, phc, key_id) select id, tenant_id, $1, 'k1' from users on conflict do nothing`,
    [HASH],
  )
  await client.query(
    `insert into sign_in_failures (tenant_id, subject, consecutive_failures)
     select $1, sha256(n::text::bytea), 1 from generate_series(1, 200000) n`,
    [tenantId],
  )
  await client.query('vacuum analyze')
  await client.end()
  return tenantId
}

/** In an order that no index likes: the addresses are random. */
async function* linesOf(count: number): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < count; sent += 100) {
    const lines = Array.from({ length: 100 }, () =>
      JSON.stringify({ email: `${randomUUID()}@example.com`, email_verified: true, password_hash: HASH }),
    )
    yield Buffer.from(`${lines.join('\n')}\n`)
  }
}

const count = Number(process.argv[2] ?? 100_000)
const postgres = await startPostgres({
  dataDir: path.join(tmpdir(), `latchkey-bench-import-${process.pid}`),
  durable: false,
})
const neon = await startNeonEndpoint({ postgresPort: postgres.port })
try {
  const bindings = {
    ENVIRONMENT: 'local',
    DATABASE_URL: `postgresql://latchkey:latchkey@127.0.0.1:${neon.port}/latchkey`,
    SIGNING_SEAL_KEYS: newKeyringEntry('s1'),
  }
  const ctx = createOperatorContext(bindings, ['DATABASE_URL', 'SIGNING_SEAL_KEYS'], DEADLINES)
  await migrateAll(ctx)
  await seed(ctx, 8787)
  const tenantId = await fillAccounts(postgres.url)
  let begunAt = performance.now()
  await importUsers(ctx, { tenantId, rpId: 'localhost', firebase: null }, linesOf(count), ({ line }) => {
    if (line % STEP > 0) return
    const seconds = (performance.now() - begunAt) / 1000
    const megabytes = process.memoryUsage().rss / 1024 / 1024
    console.log(`${line}: ${seconds.toFixed(1)} s, ${megabytes.toFixed(0)} MB`)
    begunAt = performance.now()
  })
} finally {
  await neon.stop()
  await postgres.stop()
  await rm(postgres.dataDir, { recursive: true, force: true })
}
