/** `npm run keys` and the other commands, as an operator runs them. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { BARE_SHELL } from './bare-shell.ts'
import type { Service } from './service.ts'

export type Ran = { status: number | null; stdout: string; stderr: string }

export const runKeys = (
  service: Pick<Service, 'bindings'>,
  words: string[],
  env: Record<string, string> = {},
): Promise<Ran> => runCommand(service, 'keys', words, env)

export async function runCommand(
  { bindings }: Pick<Service, 'bindings'>,
  command: string,
  words: string[],
  env: Record<string, string> = {},
): Promise<Ran> {
  const { DATABASE_URL = '' } = bindings
  const child = spawn(process.execPath, [`ops/${command}.ts`, ...words], {
    env: {
      ...BARE_SHELL,
      ENVIRONMENT: 'local',
      DATABASE_URL,
      AUDIT_DATABASE_URL: DATABASE_URL,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  return { status, stdout, stderr }
}

/** The rows of the tables that the command prints, by the names of their columns. */
export function tablesOf(stdout: string): Record<string, string>[] {
  const rows: Record<string, string>[] = []
  let names: string[] = []
  for (const line of stdout.split('\n').filter((one) => one.startsWith('│'))) {
    const cells = line
      .split('│')
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^'|'$/g, ''))
    if (cells[0] === '(index)') names = cells
    else rows.push(Object.fromEntries(names.map((name, index) => [name, cells[index] ?? ''])))
  }
  return rows
}
