/**
 * Neon's `POST /sql` in front of the local PostgreSQL, so that the Worker runs with the driver that production uses.
 * Takes user, password and database from the caller's connection string and ignores its host and port: it only ever
 * connects to its own server. Refuses every password but the configured one, because that server trusts every connection.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import pg from 'pg'
import { LOOPBACK, type LocalServer, readBody, sendJson, serveLocally } from './local-server.ts'
import {
  BadRequest,
  type Credentials,
  encodeError,
  encodeResult,
  parseCredentials,
  parseResultStyle,
  parseSqlRequest,
  parseTransactionStart,
  type ResultStyle,
  type SqlRequest,
  type Statement,
} from './neon-protocol.ts'

const APPLICATION_NAME = 'neon-endpoint'
/** More than any test has requests waiting for one lock; the server allows 1000. */
const MAX_CONNECTIONS_PER_DATABASE = 120
const IDLE_MS = 10_000

export type NeonEndpointOptions = {
  postgresPort: number
  port?: number | undefined
  /** The only password accepted, of any user. */
  password?: string | undefined
}

export type NeonEndpoint = LocalServer & {
  /** Requests to `/sql` so far: what a Worker would have paid for in round trips. */
  trips(): number
}

export async function startNeonEndpoint(options: NeonEndpointOptions): Promise<NeonEndpoint> {
  const { postgresPort, port = 0, password = 'latchkey' } = options
  const databases = createDatabasePools(postgresPort)
  let trips = 0
  const server = await serveLocally('neon endpoint', port, async (request, response) => {
    if (request.method !== 'POST' || request.url !== '/sql') {
      return sendJson(response, 404, { msg: 'not found' })
    }
    trips++
    try {
      const credentials = parseCredentials(headerText(request, 'neon-connection-string'))
      if (credentials.password !== password) {
        throw new BadRequest(`password authentication failed for user '${credentials.user}'`, '28P01')
      }
      await answer(request, response, databases, credentials)
    } catch (error) {
      const { status, body } = encodeError(error)
      sendJson(response, status, body)
    }
  })
  const stop = async () => {
    await server.stop()
    await databases.end()
  }
  return { ...server, trips: () => trips, stop }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  databases: DatabasePools,
  credentials: Credentials,
) {
  const style = parseResultStyle(request.headers)
  const sql = parseSqlRequest(await readBody(request))
  const { begin, echoedHeaders } = parseTransactionStart(request.headers)
  const caller = watchCaller(response)
  const client = await databases.connect(credentials)
  let usable = true
  caller.onGone(() => {
    usable = false // a late cancellation must not hit the next user of this connection
    databases.cancel(client)
  })
  try {
    const body = sql.batch
      ? { results: await runBatch(client, begin, sql, style, caller) }
      : await runStatement(client, sql.statements[0], style, caller)
    sendJson(response, 200, body, sql.batch ? echoedHeaders : {})
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.severity === 'FATAL') usable = false
    throw error
  } finally {
    caller.settle()
    client.release(!usable)
  }
}

/** A batch is one transaction. ROLLBACK failing means a broken connection, which ends the transaction as well. */
async function runBatch(
  client: pg.PoolClient,
  begin: string,
  { statements }: SqlRequest,
  style: ResultStyle,
  caller: Caller,
) {
  await client.query(begin)
  try {
    const results = []
    for (const statement of statements) results.push(await runStatement(client, statement, style, caller))
    caller.throwIfGone()
    await client.query('COMMIT')
    return results
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

const TEXT_ONLY = { getTypeParser: () => (text: string) => text }

async function runStatement(
  client: pg.PoolClient,
  statement: Statement | undefined,
  style: ResultStyle,
  caller: Caller,
) {
  if (statement === undefined) throw new BadRequest('could not parse the HTTP request body')
  caller.throwIfGone()
  const result = await client.query<(string | null)[]>({
    text: statement.query,
    values: statement.params,
    rowMode: 'array',
    types: TEXT_ONLY,
    queryMode: 'extended', // refuses two statements in one text, as Neon does
  } as pg.QueryArrayConfig) // @types/pg 8.23 does not know queryMode
  return encodeResult(result, { ...style, arrayMode: statement.arrayMode ?? style.arrayMode })
}

type Caller = { onGone(cancel: () => void): void; throwIfGone(): void; settle(): void }

/** Neon cancels what a disconnected caller had started, and so does this. */
function watchCaller(response: ServerResponse): Caller {
  let settled = false
  let gone = response.destroyed
  let cancel = () => {}
  response.once('close', () => {
    if (settled || response.writableFinished) return
    gone = true
    cancel()
  })
  return {
    onGone: (action) => {
      cancel = action
      if (gone) cancel()
    },
    throwIfGone: () => {
      if (gone) throw new Error('the caller disconnected')
    },
    settle: () => {
      settled = true
    },
  }
}

type DatabasePools = ReturnType<typeof createDatabasePools>

function createDatabasePools(port: number) {
  const pools = new Map<string, pg.Pool>()
  const poolOf = (user: string, database: string, max: number) => {
    const key = JSON.stringify([user, database, max])
    const known = pools.get(key)
    if (known) return known
    const application = {
      application_name: APPLICATION_NAME,
      idleTimeoutMillis: IDLE_MS,
      allowExitOnIdle: true,
    }
    const pool = new pg.Pool({ host: LOOPBACK, port, user, database, max, ...application })
    // A connection that the server ended (restart, dropped database): the pool forgets an idle one by itself, and who
    // has one that is lent learns it from their next query.
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    pools.set(key, pool)
    return pool
  }
  return {
    connect: ({ user, database }: Credentials) =>
      poolOf(user, database, MAX_CONNECTIONS_PER_DATABASE).connect(),
    /** Over connections of its own: the others may all be waiting for what is to be cancelled. */
    cancel: (client: pg.PoolClient) => {
      const { processID } = client as pg.PoolClient & { processID: number } // pg sets it, @types/pg omits it
      poolOf('latchkey', 'postgres', 2)
        .query('select pg_cancel_backend($1)', [processID])
        .catch((error: Error) => console.error(`neon endpoint: could not cancel a query: ${error.message}`))
    },
    end: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.end()))
    },
  }
}

function headerText(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
