/**
 * `npm run example` — the example product (examples/notes), and beside it the service that it signs people in with: the
 * `npm run dev` that runs in this folder already, else one of its own.
 *   EXAMPLE_PORT=9000 npm run example   another address of the product; PORT and MAIL_PORT are those of `npm run dev`
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { build } from 'esbuild'
import { spawnWrangler } from '../dev/wrangler.ts'
import { lineOf } from '../ops/context.ts'
import { isLocalStackRunning, LOCAL_FOLDER } from '../ops/local-stack.ts'

const PRODUCT = 'examples/notes'
const issuer = `http://localhost:${process.env.PORT ?? 8787}`
const port = Number(process.env.EXAMPLE_PORT ?? 8788)
const origin = `http://localhost:${port}`

const stops: (() => Promise<unknown>)[] = []
let isStopping = false

/** Ends what was started, last first; a second Ctrl-C does not interrupt it. */
async function stop(code: number): Promise<void> {
  if (isStopping) return
  isStopping = true
  for (const end of stops.toReversed()) await end()
  process.exit(code)
}

process.on('SIGINT', () => stop(0))
process.on('SIGTERM', () => stop(0))
await start().catch(async (error: unknown) => {
  console.error(lineOf(error))
  await stop(1)
})

async function start(): Promise<void> {
  if (!isLocalStackRunning()) await startService()
  // A page of another origin may call the service once the tenant lists it.
  await succeed(runNode(['ops/tenants.ts', '--local', 'origins', 'default', 'add', origin]))
  await build({
    entryPoints: [`${PRODUCT}/src/page.ts`],
    bundle: true,
    format: 'esm',
    minify: true,
    outfile: `${PRODUCT}/public/page.js`,
  })
  const config = ['--config', `${PRODUCT}/wrangler.toml`, '--persist-to', path.join(LOCAL_FOLDER, 'example')]
  const product = spawnWrangler({ port, vars: { ISSUER: issuer }, args: config })
  stops.push(product.stop)
  await product.untilReady()
  console.log(`example ${origin}`)
}

function runNode(args: string[]): ChildProcess {
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function startService(): Promise<void> {
  const service = runNode(['dev/main.ts'])
  const ended = once(service, 'exit')
  stops.push(async () => {
    service.kill('SIGTERM')
    await ended
  })
  let printed = ''
  const ready = new Promise<void>((resolve) =>
    service.stdout?.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk)
      printed = (printed + chunk.toString()).slice(-1000)
      if (printed.includes('ready http')) resolve()
    }),
  )
  await Promise.race([ready, ended.then(() => Promise.reject(new Error('npm run dev did not start')))])
}

/** @throws when the command fails; it has said why */
async function succeed(command: ChildProcess): Promise<void> {
  command.stdout?.resume()
  const [code] = await once(command, 'exit')
  if (code !== 0) throw new Error('the tenant could not be told of this origin')
}
