/**
 * `npm run bench -- --peers` — ours beside better-auth and openauth, in one run: each in `workerd serve` on the same PostgreSQL and Redis,
 * called in turns, with the same delay on every trip of everyone. The peers come from npm into .latchkey/peers, not into ours, and none of
 * their code is in the repository. The table, the numbers and a chart go into bench/results/.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { cpuMs, describeMachine, watchLoad } from '../machine.ts'
import { measure, quantile } from '../measure.ts'
import { startProxy } from '../proxy.ts'
import { buildBare, HOST, type Stack } from '../stack.ts'
import { startWorkerd, type WorkerService } from '../workerd.ts'
import { drawChart } from './chart.ts'
import { prepareContest } from './contest.ts'
import type { Contestant, Results, Row } from './row.ts'
import { BETTER_AUTH_TABLES } from './tables.ts'

const PACKAGES = { 'better-auth': '1.7.25', '@openauthjs/openauth': '0.4.3', arctic: '2.3.4' }
/** Two below the checkout, as this folder is: so the peers' Workers import ours by the same paths. */
const FOLDER = '.latchkey/peers'
const RESULTS = 'bench/results'
const DELAYS_MS = [0, 5, 20]
const CALLS_PER_TURN = 5
const FLAGS = ['nodejs_compat']

async function install(): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  const manifest = { name: 'latchkey-bench-peers', private: true, type: 'module', dependencies: PACKAGES }
  await writeFile(path.join(FOLDER, 'package.json'), JSON.stringify(manifest))
  console.log(`installing ${Object.keys(PACKAGES).join(', ')} into ${FOLDER}`)
  await promisify(execFile)('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
  })
}

async function build(name: string, outdir: string): Promise<string> {
  const file = `${name}.worker.js`
  await copyFile(new URL(file, import.meta.url), path.join(FOLDER, file))
  await buildBare(path.join(FOLDER, file), outdir, FLAGS)
  return outdir
}

async function versionOf(name: string): Promise<string> {
  return JSON.parse(await readFile(path.join(FOLDER, 'node_modules', name, 'package.json'), 'utf8')).version
}

/** In a database of its own, on the same PostgreSQL. */
async function makeTables({ databaseUrl }: Stack): Promise<void> {
  for (const [database, text] of [
    ['postgres', 'create database better_auth'],
    ['better_auth', BETTER_AUTH_TABLES],
  ] as const) {
    const client = new pg.Client({ connectionString: databaseUrl.replace(/\/[^/]*$/, `/${database}`) })
    await client.connect()
    await client.query(text)
    await client.end()
  }
}

export async function measurePeers(stack: Stack, isQuick: boolean): Promise<void> {
  await install()
  const bundles = {
    betterAuth: await build('better-auth', path.join(stack.folder, 'better-auth')),
    openauth: await build('openauth', path.join(stack.folder, 'openauth')),
  }
  await makeTables(stack)
  const proxies = { neon: await startProxy(stack.ports.neon), upstash: await startProxy(stack.ports.upstash) }
  const ours = stack.bindingsFor({ neon: proxies.neon.port, upstash: proxies.upstash.port })
  const shared = {
    DATABASE_URL: (ours.DATABASE_URL ?? '').replace(/\/[^/]*$/, '/better_auth'),
    UPSTASH_REDIS_REST_URL: ours.UPSTASH_REDIS_REST_URL ?? '',
    UPSTASH_REDIS_REST_TOKEN: ours.UPSTASH_REDIS_REST_TOKEN ?? '',
    ORIGIN: `http://${HOST}`,
  }
  const peer = (name: Contestant, bundle: string, more: Record<string, string> = {}): WorkerService => ({
    name,
    bundle,
    bindings: { ...shared, ...more },
    flags: FLAGS,
  })
  const services: WorkerService[] = [
    { name: 'latchkey', bundle: stack.bundles.latchkey, bindings: ours },
    peer('better-auth', bundles.betterAuth),
    peer('better-auth-argon2id', bundles.betterAuth, { HASH: 'argon2id' }),
    peer('better-auth-tuned', bundles.betterAuth, { TUNED: 'yes' }),
    peer('openauth', bundles.openauth),
  ]
  let printed = ''
  const log = (text: string) => {
    printed = (printed + text).slice(-4000)
  }
  const workerd = await startWorkerd({ ...stack, services, log })
  const meters = { cpu: () => cpuMs(workerd.pid), trips: stack.trips }
  const loadSince = watchLoad()
  const rows: Row[] = []
  try {
    for (const delayMs of DELAYS_MS) {
      const rounds = isQuick ? 2 : 6
      for (const proxy of Object.values(proxies)) proxy.setDelay(0)
      const contest = await prepareContest(stack, workerd, (rounds + 1) * CALLS_PER_TURN)
      for (const proxy of Object.values(proxies)) proxy.setDelay(delayMs)
      await measure(contest.tasks, { rounds: 1, callsPerTurn: CALLS_PER_TURN }, meters)
      console.log(`measuring with ${delayMs} ms added to every trip`)
      const measured = await measure(contest.tasks, { rounds, callsPerTurn: CALLS_PER_TURN }, meters)
      contest.close()
      for (const { operation, who, name, against } of contest.entries) {
        const of = measured.get(name)
        const own = measured.get(against)
        if (!of || !own) continue
        const ratios = roundsOf(own.samples).map(
          (median, at) => median / (roundsOf(of.samples)[at] ?? Number.NaN),
        )
        rows.push({
          ...{ delayMs, operation, who, p50: of.medianMs, p90: of.p90Ms, cpuMs: of.cpuMs },
          ...{ postgresTrips: of.postgresTrips, redisTrips: of.redisTrips },
          oursOver: { median: quantile(ratios, 0.5), least: Math.min(...ratios), most: Math.max(...ratios) },
        })
      }
    }
  } catch (error) {
    console.error(printed)
    throw error
  } finally {
    await workerd.stop()
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()))
  }
  const versions = {
    'better-auth': await versionOf('better-auth'),
    openauth: await versionOf('@openauthjs/openauth'),
    workerd: await workerdVersion(),
  }
  await publish({
    at: new Date().toISOString().slice(0, 10),
    machine: { ...describeMachine(), ...loadSince() },
    versions,
    rows,
  })
}

const workerdVersion = async (): Promise<string> =>
  JSON.parse(await readFile('node_modules/workerd/package.json', 'utf8')).version

/** The median of each turn. */
function roundsOf(samples: number[]): number[] {
  const turns = Array.from({ length: samples.length / CALLS_PER_TURN }, (_, at) =>
    samples.slice(at * CALLS_PER_TURN, (at + 1) * CALLS_PER_TURN),
  )
  return turns.map((turn) => quantile(turn, 0.5))
}

const fixed = (value: number, digits = 1) => value.toFixed(digits)

async function publish(results: Results): Promise<void> {
  const { at, machine, versions, rows } = results
  const measuredOn =
    `${at}, ${machine.cores} × ${machine.cpu}, ${fixed(machine.othersShare * 100, 0)} % of the machine taken by others; ` +
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')
  const table = rows.map(
    ({
      delayMs,
      operation,
      who,
      p50,
      p90,
      cpuMs: cpu,
      postgresTrips,
      redisTrips,
      oursOver: { median, least, most },
    }) =>
      `| ${operation} | ${delayMs} | ${who} | ${fixed(p50)} | ${fixed(p90)} | ${fixed(cpu)} | ${fixed(postgresTrips)} | ${fixed(redisTrips)} | ${
        who === 'latchkey' ? '' : `${fixed(median, 2)} (${fixed(least, 2)}–${fixed(most, 2)})`
      } |`,
  )
  const text = `# Ours beside others, in one run

Written by \`npm run bench -- --peers\`. ${measuredOn}.

Everyone ran in \`workerd serve\`, in one process, on the same PostgreSQL and Redis behind the same endpoints, called one at a time in turns. *Delay* is added to every trip of everyone. Trust
the ratios (ours over theirs: the median of rounds, and the range), not the milliseconds: the machine was shared. *better-auth* counts its limits in the database, *tuned* keeps sessions and limits in Redis,
*argon2id* hashes as ours does; a live check asks the store, past the cookie cache of *tuned*. openauth counts no limits and has no session that could be checked or ended.

AuthHero is not here: its newest release on npm (9.6.1) asks for @authhero/adapter-interfaces 4.8.0, and the one adapter for SQL on npm (@authhero/kysely-adapter 10.119.0) is made for 0.154.0, for SQLite in the
process and PlanetScale; one for PostgreSQL over HTTP is not published.

| operation | delay ms | who | p50 ms | p90 ms | CPU ms | Neon trips | Redis trips | ours ÷ theirs |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${table.join('\n')}
`
  await mkdir(RESULTS, { recursive: true })
  await writeFile(path.join(RESULTS, 'peers.md'), text)
  await writeFile(path.join(RESULTS, 'peers.json'), `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(path.join(RESULTS, 'peers.svg'), drawChart(results, measuredOn))
  console.log(text)
}
