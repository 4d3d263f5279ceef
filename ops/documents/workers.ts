/** The table of Workers: what wrangler.toml deploys, and what each needs. */
import { ALL_IN_ONE, patternsOf, type RawWorker, readWorkers } from '../routes.ts'
import { table } from './table.ts'

/** What an operator gives to it, and what it is given by name in wrangler.toml. */
export function workersTable(): string {
  return table(
    ['Worker', 'answers', 'secrets it refuses to serve without', 'bindings', 'CPU'],
    [...readWorkers()].map(([name, worker]) => [
      `\`${name}\``,
      pathsOf(name, worker),
      secretsOf(worker),
      bindingsOf(worker),
      `${(worker.limits?.cpu_ms ?? 0) / 1000} s`,
    ]),
  )
}

function pathsOf(name: string, worker: RawWorker): string {
  if (name === ALL_IN_ONE) return 'everything'
  const paths = patternsOf(worker).map((pattern) => `\`${pattern.slice(pattern.indexOf('/'))}\``)
  return paths.length === 0 ? 'no one: queues and crons' : paths.join(' ')
}

// wrangler's own type of the file does not know `secrets` yet.
const secretsOf = (worker: RawWorker & { secrets?: { required?: string[] } }) =>
  (worker.secrets?.required ?? []).map((name) => `\`${name}\``).join(' ')

function bindingsOf({ queues, ratelimits, triggers }: RawWorker): string {
  const producers = (queues?.producers ?? []).map(({ binding }) => `\`${binding}\``)
  const limiters = (ratelimits ?? []).map(({ name }) => `\`${name}\``)
  const crons = triggers?.crons?.length ? ['crons'] : []
  const consumers = queues?.consumers?.length ? ['queue consumers'] : []
  return [...producers, ...limiters, ...consumers, ...crons].join(' ')
}
