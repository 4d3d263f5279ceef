/**
 * A process that starts PostgreSQL and is then ended by a test: run as `node postgres-parent.ts DATA_DIR [ending]`.
 * Prints the server's URL and process id once it is ready. `exit` ends by itself; `listens` has a SIGTERM listener of its
 * own, which still needs the database.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../dev/postgres.ts'

const [dataDir = '', ending = 'wait'] = process.argv.slice(2)
const postgres = await startPostgres({ dataDir, durable: false })
const pid = Number.parseInt(readFileSync(path.join(postgres.dataDir, 'postmaster.pid'), 'utf8'), 10)

if (ending === 'listens') {
  process.once('SIGTERM', async () => {
    const client = new pg.Client(postgres.url)
    await client.connect()
    const { rows } = await client.query("select 'still here' as answer")
    await client.end()
    process.stdout.write(`${rows[0].answer}\n`, () => process.exit(0))
  })
}
process.stdout.write(`${JSON.stringify({ url: postgres.url, pid })}\n`)
if (ending === 'exit') process.exit(0)
setInterval(() => {}, 60_000)
