/** Runs the all-in-one Worker in `wrangler dev`, offline: no update check, no metrics, no lookup of `request.cf`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'

export type LocalWorker = { stop(): Promise<void> }

type Options = {
  port: number
  secrets: Record<string, string>
  folder: string
  vars?: Record<string, string>
}

const OFFLINE = { CLOUDFLARE_CF_FETCH_ENABLED: 'false', DO_NOT_TRACK: '1', WRANGLER_HIDE_BANNER: 'true' }

/** Resolves once the Worker answers. @throws when it does not start, with what it printed */
export async function startWorker({ port, secrets, folder, vars = {} }: Options): Promise<LocalWorker> {
  // Secrets go by file, not by argument, where `ps` would show them.
  const envFile = path.join(folder, 'worker.env')
  const lines = Object.entries(secrets).map(([name, value]) => `${name}="${value}"`)
  await writeFile(envFile, `${lines.join('\n')}\n`, { mode: 0o600 })
  const settings = { ENVIRONMENT: 'local', SERVER_TIMING: 'on', ...vars }
  const args = ['dev', '--env=', '--env-file', envFile, '--ip', '127.0.0.1', '--port', String(port)]
  for (const [name, value] of Object.entries(settings)) args.push('--var', `${name}:${value}`)
  args.push(
    '--inspector-port',
    '0',
    '--show-interactive-dev-session=false',
    '--infer-origin-from-routes=false',
  )
  args.push('--persist-to', path.join(folder, 'worker'))
  const child = spawn(process.execPath, ['node_modules/wrangler/bin/wrangler.js', ...args], {
    env: { ...process.env, ...OFFLINE },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32', // a Ctrl-C is for us; we end it, and workerd with it
  })
  await untilReady(child)
  child.stdout?.pipe(process.stdout)
  child.stderr?.pipe(process.stderr)
  return { stop: () => stop(child) }
}

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
