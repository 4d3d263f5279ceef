/**
 * `--local`: a command asks the `npm run dev` that runs in this folder, whatever the shell says of a deployment. It is
 * found by the two files that dev/worker.ts leaves while it runs.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { SETTING_NAMES } from '../src/settings.ts'

/** Below the folder in which the command runs; the local stack keeps everything there. */
export const LOCAL_FOLDER = '.latchkey'
export const PID_FILE = 'worker.pid'
export const ENV_FILE = 'worker.env'

/**
 * Takes `--local` out of the arguments and puts the settings of the local stack in the place of the shell's.
 * @throws when no local stack runs here
 */
export function useLocalStack(args: string[], env: NodeJS.ProcessEnv): void {
  const at = args.indexOf('--local')
  if (at === -1) return
  args.splice(at, 1)
  const settings = readLocalSettings()
  for (const name of SETTING_NAMES) delete env[name]
  Object.assign(env, settings, { ENVIRONMENT: 'local' })
}

/** Whether the local stack of this folder runs. */
export function isLocalStackRunning(): boolean {
  const [starter] = readLocal(PID_FILE).split(' ').map(Number)
  return starter !== undefined && starter > 0 && isAlive(starter) && readLocal(ENV_FILE) !== ''
}

function readLocalSettings(): Record<string, string> {
  if (!isLocalStackRunning())
    throw new Error(
      'no local stack is running in this folder; start it in another terminal with: npm run dev',
    )
  const lines = readLocal(ENV_FILE)
    .split('\n')
    .flatMap((line) => [/^([A-Z_]+)="(.*)"$/.exec(line) ?? []])
  return Object.fromEntries(lines.flatMap(([, name, value = '']) => (name ? [[name, value]] : [])))
}

function readLocal(file: string): string {
  try {
    return readFileSync(path.resolve(LOCAL_FOLDER, file), 'utf8')
  } catch {
    return '' // no file: it does not run
  }
}

/** Whether a process still runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // ESRCH: it has ended
  }
}
