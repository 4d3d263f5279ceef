/**
 * Services that test files of one process hand to each other. Starting one costs more than most files ask of it, and
 * its code is slow until it has run for a while. A file has a service alone while it has it, with empty tables and an
 * empty Redis. One that a file left otherwise than it was (a schema, a signing key, a lock) is never handed on.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Backend, Service, ServiceOptions } from './service.ts'

/** More would keep memory and not save much: nearly every file asks for one of two sets of settings. */
const MOST_IDLE = 3

type Kept = { shape: string; service: Service; beside: Backend | undefined; state: unknown }

/** @returns what lends a service that no one else has; its `stop` gives it back */
export function createLending(start: (options: ServiceOptions) => Promise<Service>) {
  let idle: Kept[] = []
  const lent = new Set<Backend>()

  const keep = async (kept: Kept) => {
    idle.push(kept)
    const oldest = idle.length > MOST_IDLE && idle.find(({ beside }) => beside === undefined)
    if (oldest) await end(oldest)
  }

  /** Those beside it go with it. */
  const end = async ({ service }: Kept) => {
    const isGone = (kept: Kept) => kept.service === service || kept.beside === service.backend
    const beside = idle.filter(({ beside }) => beside === service.backend)
    idle = idle.filter((kept) => !isGone(kept))
    lent.delete(service.backend)
    for (const one of [...beside.map((kept) => kept.service), service]) await one.stop()
  }

  return async (options: ServiceOptions = {}): Promise<Service> => {
    const { beside, ...settings } = options
    if (beside && !lent.has(beside.backend)) return start(options) // which ends with its file
    const shape = JSON.stringify(settings, (_, value) => (value === undefined ? null : value))
    const found = idle.find((kept) => kept.shape === shape && kept.beside === beside?.backend)
    idle = idle.filter((kept) => kept !== found)
    const service = found?.service ?? (await start(options))
    const state = found || beside ? found?.state : await stateOf(service)
    lent.add(service.backend)
    const kept = { shape, service, beside: beside?.backend, state }
    const stop = async () => {
      await service.finish()
      await (kept.beside || (await isAsItWas(kept)) ? keep(kept) : end(kept))
    }
    return { ...service, trips: countingFromNow(service), stop }
  }
}

/** Which trips it made before are another file's. */
function countingFromNow({ trips }: Service): Service['trips'] {
  const before = trips()
  return () => {
    const { postgres, redis } = trips()
    return { postgres: postgres - before.postgres, redis: redis - before.redis }
  }
}

/** Empties it, unless something is still under way or was left behind. */
async function isAsItWas({ service, state }: Kept): Promise<boolean> {
  for (const gate of Object.values(service.gates)) gate.set('open')
  if (!(await isQuiet(service))) return false
  if (!isDeepStrictEqual(await stateOf(service), state)) return false
  const [filled] = await service.sql<{ tables: string | null }>(FILLED)
  if (filled?.tables) await service.sql(`truncate ${filled.tables} restart identity cascade`)
  await service.redis(['FLUSHALL'])
  await service.redis(['SCRIPT', 'FLUSH'])
  return true
}

/** Whether its deferred work is done, and no transaction of a test is left. */
async function isQuiet({ sql, database, trips }: Service): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++) {
    const before = trips()
    await wait(10)
    const [row] = await sql<{ count: number }>(BUSY, [database])
    if (row?.count === 0 && isDeepStrictEqual(trips(), before)) return true
  }
  return false
}

const BUSY = `select count(*)::int as count from pg_stat_activity
  where datname = $1 and pid <> pg_backend_pid() and state <> 'idle'`

/** What emptying the tables does not bring back. */
async function stateOf({ sql, database }: Service): Promise<unknown> {
  const [state] = await sql(STATE, [database])
  return state
}

const STATE = `select
  (select md5(string_agg(k::text, ' ' order by k::text)) from signing_keys k) as signing_keys,
  (select array_agg(relname || coalesce(reloptions::text, '') order by oid) from pg_class
    where relnamespace = 'public'::regnamespace) as relations,
  (select array_agg(attrelid || attname || attnotnull order by attrelid, attnum) from pg_attribute
    where attrelid > 16383 and attnum > 0) as columns,
  (select array_agg(oid || conname order by oid) from pg_constraint where connamespace = 'public'::regnamespace) as constraints,
  (select array_agg(oid || tgenabled order by oid) from pg_trigger) as triggers,
  (select md5(string_agg(oid || prosrc, ' ' order by oid)) from pg_proc where pronamespace = 'public'::regnamespace) as functions,
  (select array_agg(setconfig::text) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
    where d.datname = $1) as settings`

const FILLED = `select string_agg(oid::regclass::text, ', ') as tables from pg_class
  where relnamespace = 'public'::regnamespace and relkind = 'r' and pg_relation_size(oid) > 0
  and relname not in ('signing_keys', 'schema_migrations')`
