/**
 * The steps of a first deployment, in order. Each looks whether it is done, so that a run that was cut off goes on where it was, and a second one
 * changes nothing.
 */
import { sql } from 'drizzle-orm'
import { findAdministrators } from '../../src/access/roles-store.ts'
import { findTenantsWithHosts } from '../../src/tenants/tenant-store.ts'
import { adminsCommand } from '../admins.ts'
import type { OperatorContext, Output } from '../context.ts'
import { newKeyringEntry } from '../keyring.ts'
import { findPending, migrateAll } from '../migrate.ts'
import { ALL_IN_ONE, patternsOf, readWorkers } from '../routes.ts'
import { rotate } from '../signing-keys.ts'
import { tenantsCommand } from '../tenants.ts'
import { DEPLOYMENT_FILE, type Deployment, GIVEN, keep, MADE, secretsOf } from './deployment-file.ts'
import { hasExamples, putHost } from './host.ts'
import { createQueue, deploy, hasQueue, putSecrets, secretNames, whoIsSignedIn } from './wrangler.ts'

export type Wish = { host: string; zone: string; tenant: string; name: string; admin: string }

export type Setup = {
  wish: Wish
  deployment: Deployment
  /** On the deployment's own database. */
  connect(): OperatorContext
  out: Output
}

export type Step = {
  name: string
  /** What cannot be looked at before these were done. */
  after: readonly string[]
  /** @returns what is there already, or null. @throws where something is missing that only the operator can give */
  look(setup: Setup): Promise<string | null>
  /** What it does, as a dry run says it. */
  would: (setup: Setup) => string
  act(setup: Setup): Promise<void>
}

const missing = (names: readonly string[], { deployment }: Setup) => names.filter((name) => !deployment[name])

/** Of the wrangler.toml of this folder. */
export const readSteps = (): Step[] => [
  {
    name: 'Cloudflare',
    after: [],
    look: async () => {
      const { email, accounts } = await whoIsSignedIn()
      if (accounts.length !== 1 && !process.env.CLOUDFLARE_ACCOUNT_ID)
        throw new Error(
          `the login has ${accounts.length} accounts; export CLOUDFLARE_ACCOUNT_ID=… of the one to deploy to` +
            accounts.map(({ id, name }) => `\n  ${id} ${name}`).join(''),
        )
      return `signed in${email ? ` as ${email}` : ''}`
    },
    would: () => '',
    act: async () => {},
  },
  {
    name: 'connections',
    after: [],
    look: async (setup) => {
      const lacking = missing(GIVEN, setup)
      if (lacking.length === 0) return 'the addresses of Neon and Upstash are known'
      throw new Error(
        `write ${lacking.join(', ')} into ${DEPLOYMENT_FILE}, as NAME="value", one a line (chmod 600), from the consoles of Neon and Upstash`,
      )
    },
    would: () => '',
    act: async () => {},
  },
  {
    name: 'host',
    after: [],
    look: async ({ wish }) => {
      if (hasExamples('wrangler.toml')) return null
      const hosts = patternsOf(readWorkers().get(ALL_IN_ONE) ?? {}).map((pattern) => pattern.split('/')[0])
      if (hosts.includes(wish.host)) return `wrangler.toml has ${wish.host}`
      throw new Error(`wrangler.toml has no route for ${wish.host}; it has ${hosts.join(', ') || 'none'}`)
    },
    would: ({ wish }) =>
      `put ${wish.host} and the zone ${wish.zone} in place of the examples in wrangler.toml`,
    act: async ({ wish }) => putHost('wrangler.toml', wish),
  },
  {
    name: 'keyrings',
    after: [],
    look: async (setup) => {
      const lacking = missing(MADE, setup)
      if (lacking.length === 0) return 'AUTH_KEYS and SIGNING_SEAL_KEYS are there'
      await refuseSecondRing(setup, lacking)
      return null
    },
    would: (setup) =>
      `make ${missing(MADE, setup).join(' and ')}, and keep them in ${DEPLOYMENT_FILE}; they are not shown`,
    act: async ({ deployment }) => {
      const made = MADE.filter((name) => !deployment[name]).map((name) => [name, newKeyringEntry('k1')])
      keep(Object.fromEntries(made))
      Object.assign(deployment, Object.fromEntries(made))
    },
  },
  {
    name: 'database',
    after: [],
    look: async (setup) =>
      (await findPending(setup.connect())).length === 0 ? 'every migration is applied' : null,
    would: () => 'apply the migrations',
    act: async (setup) => {
      await migrateAll(setup.connect())
    },
  },
  {
    name: 'signing key',
    after: ['database', 'keyrings'],
    look: async (setup) => {
      const { rows } = await setup.connect().db.execute(sql`select from signing_keys where state = 'current'`)
      return rows.length > 0 ? 'one signs' : null
    },
    would: () => 'make the first one',
    act: async (setup) => rotate(setup.connect(), []),
  },
  {
    name: 'tenant',
    after: ['database'],
    look: async (setup) => {
      const { tenant, host } = setup.wish
      const [found] = await findTenantsWithHosts(setup.connect(), tenant)
      if (found && !found.hosts.includes(host))
        throw new Error(
          `${tenant} is there and does not answer at ${host}: npm run tenants -- hosts ${tenant} add ${host}`,
        )
      return found ? `${tenant} answers at ${found.hosts.join(' ')}` : null
    },
    would: ({ wish }) => `make ${wish.tenant}, with the issuer https://${wish.host}`,
    act: async (setup) => {
      const { tenant, name, host } = setup.wish
      await tenantsCommand(setup.connect(), ['add', tenant, '--issuer', `https://${host}`, '--name', name], {
        ...setup.out,
        error: () => {}, // what comes next is said here
      })
    },
  },
  ...queueSteps(),
  {
    name: 'secrets',
    after: ['keyrings'],
    look: async ({ deployment }) => {
      const there = (await secretNames()) ?? []
      const lacking = Object.keys(secretsOf(deployment)).filter((name) => !there.includes(name))
      return lacking.length === 0 ? 'the Worker has them' : null
    },
    would: ({ deployment }) =>
      `give the Worker ${[...new Set([...Object.keys(secretsOf(deployment)), ...MADE])].join(', ')}, by stdin`,
    act: async ({ deployment }) => {
      const there = (await secretNames()) ?? []
      const lacking = Object.entries(secretsOf(deployment)).filter(([name]) => !there.includes(name))
      await putSecrets(Object.fromEntries(lacking))
    },
  },
  {
    name: 'Worker',
    after: ['host', 'secrets'],
    look: async ({ wish }) => ((await isAnswering(wish.host)) ? `https://${wish.host} answers` : null),
    would: ({ wish }) => `deploy the all-in-one to ${wish.host}`,
    act: async () => {
      await deploy()
    },
  },
  {
    name: 'administrator',
    after: ['tenant'],
    look: async (setup) => {
      const ctx = setup.connect()
      const [tenant] = await findTenantsWithHosts(ctx, setup.wish.tenant)
      const administrators = tenant ? await findAdministrators(ctx, tenant.id) : []
      return administrators.length > 0 ? administrators.map(({ email }) => email).join(' ') : null
    },
    would: ({ wish }) =>
      `make ${wish.admin} an administrator of ${wish.tenant}, and mail them a link to set a password`,
    act: async (setup) => {
      const { admin, tenant } = setup.wish
      await adminsCommand(setup.connect(), ['add', admin, '--tenant', tenant], {
        ...setup.out,
        error: () => {},
      })
    },
  },
]

function queueSteps(): Step[] {
  const { queues } = readWorkers().get(ALL_IN_ONE) ?? {}
  const names = [...(queues?.producers ?? []), ...(queues?.consumers ?? [])].flatMap(
    ({ queue }) => queue ?? [],
  )
  return [...new Set(names)].map((queue) => ({
    name: `queue ${queue}`,
    after: [],
    look: async () => ((await hasQueue(queue)) ? 'is there' : null),
    would: () => 'create it',
    act: async () => {
      await createQueue(queue)
    },
  }))
}

/** A new ring where one is in use would make every password, token and seal of the deployment unreadable. */
async function refuseSecondRing(setup: Setup, lacking: readonly string[]): Promise<void> {
  const there = (await secretNames()) ?? []
  const given = lacking.filter((name) => there.includes(name))
  const isUsed = await hasRows(setup, ['auth_keys', 'signing_keys', 'users'])
  if (given.length === 0 && !isUsed) return
  throw new Error(
    `${lacking.join(' and ')} are not in ${DEPLOYMENT_FILE}, and ${given.length > 0 ? 'the Worker has them' : 'the database was used with some'}. ` +
      'New ones would make everything unreadable that was made with those: bring them back from where you keep them.',
  )
}

async function hasRows(setup: Setup, tables: readonly string[]): Promise<boolean> {
  const { db } = setup.connect()
  for (const table of tables) {
    const { rows } = await db.execute<{ found: string | null }>(
      sql`select to_regclass(${table})::text as found`,
    )
    if (!rows[0]?.found) continue
    const some = await db.execute(sql`select from ${sql.identifier(table)} limit 1`)
    if (some.rows.length > 0) return true
  }
  return false
}

/** Whether it is us: a Worker that was only made to hold secrets answers something else. */
async function isAnswering(host: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(5_000)
    const response = await fetch(`https://${host}/healthz`, { redirect: 'manual', signal })
    return response.status === 200 && (await response.text()) === '{"status":"ok"}'
  } catch {
    return false // no DNS, no TLS, no Worker: it is not there yet
  }
}
