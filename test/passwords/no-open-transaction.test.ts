/**
 * FINDINGS F01 and F02: while a password is hashed, PostgreSQL holds nothing of ours. The hash is made dear (about half
 * a second), and the database is asked again and again which transactions are open.
 */
import { expect, test } from 'vitest'
import { newClient, newEmail, PASSWORD } from '../support/client.ts'
import { useService } from '../support/service.ts'

const service = useService({ bindings: { ARGON2_MEMORY_KIB: '47104', ARGON2_ITERATIONS: '10' } })

type Sample = { atMs: number; open: number }

/** Looks at the endpoint's connections until `work` is done. */
async function watchTransactions<T>(work: () => Promise<T>) {
  const watcher = await service().connect()
  const samples: Sample[] = []
  const startedAt = performance.now()
  let done = false
  const working = work().finally(() => {
    done = true
  })
  while (!done) {
    const { rows } = await watcher.query<{ open: number }>(
      `select count(*)::int as open from pg_stat_activity
       where datname = current_database() and application_name = 'neon-endpoint' and xact_start is not null`,
    )
    samples.push({ atMs: performance.now() - startedAt, open: rows[0]?.open ?? 0 })
    await new Promise((resolve) => setImmediate(resolve))
  }
  const answer = await working
  const durationMs = performance.now() - startedAt
  await watcher.end()
  return { answer, samples, durationMs }
}

async function expectNothingOpen(status: number, work: () => Promise<{ status: number }>) {
  const { answer, samples, durationMs } = await watchTransactions(work)
  expect(answer.status).toBe(status)
  expect(durationMs, 'the hash takes long enough to be seen').toBeGreaterThan(200)
  // The read is at one end and the batch at the other; all between is the hash.
  const meanwhile = samples.filter(({ atMs }) => atMs > durationMs * 0.25 && atMs < durationMs * 0.75)
  expect(meanwhile.length).toBeGreaterThan(20)
  expect(meanwhile.filter(({ open }) => open > 0)).toEqual([])
}

test('registering holds no transaction while it hashes', async () => {
  const client = await newClient(service())
  await expectNothingOpen(201, () => client.register())
})

test('signing in holds no transaction while it verifies', async () => {
  const client = await newClient(service())
  const { email } = await client.newAccount()
  await expectNothingOpen(200, () => client.login(email))
})

test('a refused sign-in holds none either, and an unknown account costs a hash as well', async () => {
  const client = await newClient(service())
  const { email } = await client.newAccount()
  await expectNothingOpen(401, () => client.login(email, 'not the password'))
  await expectNothingOpen(401, () => client.login(newEmail(), PASSWORD))
})
