/** One `wrangler dev`, offline: no update check, no metrics, no lookup of `request.cf`, and nothing of the shell's settings. */
import { type ChildProcess, spawn } from 'node:child_process'
import { withoutSettings } from '../ops/child-environment.ts'

export type Wrangler = { child: ChildProcess; stop(): Promise<void> }

const OFFLINE = { CLOUDFLARE_CF_FETCH_ENABLED: 'false', DO_NOT_TRACK: '1', WRANGLER_HIDE_BANNER: 'true' }

/** Whatever the shell says of how wrangler finds secrets: they are in our file, and nowhere else. */
const ENV_FILE_ALONE = {
  CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: 'true',
  CLOUDFLARE_INCLUDE_PROCESS_ENV: 'false',
}

const ARGS = [
  '--ip',
  '127.0.0.1',
  '--inspector-port',
  '0',
  '--show-interactive-dev-session=false',
  '--infer-origin-from-routes=false',
]

export type WranglerOptions = {
  port: number
  vars: Record<string, string>
  args: string[]
  isQuiet?: boolean
}

/**
 * @param options.isQuiet whether what the Worker prints is dropped
 * @returns at once, so that the caller can note the process; `untilReady` waits for it
 */
export function spawnWrangler({ port, vars, args, isQuiet = false }: WranglerOptions): Wrangler & {
  untilReady(): Promise<void>
} {
  const given = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`])
  const command = ['node_modules/wrangler/bin/wrangler.js', 'dev', ...args, '--port', String(port), ...given]
  const child = spawn(process.execPath, [...command, ...ARGS], {
    env: { ...withoutSettings(process.env), ...OFFLINE, ...ENV_FILE_ALONE },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32', // a Ctrl-C is for us; we end it, and workerd with it
  })
  return {
    child,
    stop: () => stop(child),
    untilReady: async () => {
      await untilReady(child)
      if (isQuiet) for (const stream of [child.stdout, child.stderr]) stream?.resume()
      else {
        child.stdout?.pipe(process.stdout)
        child.stderr?.pipe(process.stderr)
      }
    },
  }
}

/** @throws when the Worker does not start, with what it printed */
function untilReady(child: ChildProcess): Promise<void> {
  let printed = ''
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += chunk.toString()
      if (!printed.includes('Ready on')) return
      child.stdout?.off('data', read)
      child.stderr?.off('data', read)
      child.off('exit', fail)
      resolve()
    }
    const fail = () => reject(new Error(`the Worker did not start:\n${printed}`))
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', fail)
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGTERM')
  await ended
}
