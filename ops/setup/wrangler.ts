/** wrangler, as `npm run` finds it: asked for what is there, and told what to make. A secret reaches it by its stdin alone. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import * as v from 'valibot'
import { withoutSettings } from '../child-environment.ts'

/** The all-in-one, whichever environments wrangler.toml has besides. */
const TOP_LEVEL = '--env='

export type Ran = { code: number; stdout: string; stderr: string }

const Login = v.object({
  loggedIn: v.literal(true),
  email: v.optional(v.nullable(v.string())),
  accounts: v.array(v.object({ id: v.string(), name: v.string() })),
})
const Names = v.array(v.object({ name: v.string() }))

/** @throws when there is no wrangler */
function runWrangler(args: string[], stdin: string | null = null): Promise<Ran> {
  const env = { ...withoutSettings(process.env), DO_NOT_TRACK: '1', WRANGLER_HIDE_BANNER: 'true' }
  const child = spawn('wrangler', args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {}) // it may end without having read: its exit code tells
  child.stdin.end(stdin ?? '')
  return new Promise((resolve, reject) => {
    child.once('error', () =>
      reject(new Error('there is no wrangler on the PATH; run npm ci, and npm run setup')),
    )
    const printed = Promise.all([text(child.stdout), text(child.stderr)])
    child.once('close', async (code) => {
      const [stdout, stderr] = await printed
      resolve({ code: code ?? 1, stdout, stderr })
    })
  })
}

async function require(args: string[], stdin: string | null = null): Promise<string> {
  const { code, stdout, stderr } = await runWrangler(args, stdin)
  if (code !== 0) throw new Error(`wrangler ${args.join(' ')} failed:\n${`${stdout}${stderr}`.trim()}`)
  return stdout
}

/** Who is signed in. @throws when no one is */
export async function whoIsSignedIn(): Promise<v.InferOutput<typeof Login>> {
  const { code, stdout } = await runWrangler(['whoami', '--json'])
  const login = code === 0 ? v.safeParse(Login, parsed(stdout)) : null
  if (!login?.success)
    throw new Error('no one is signed in to Cloudflare: npx wrangler login, or export CLOUDFLARE_API_TOKEN')
  return login.output
}

/** @throws when wrangler cannot tell */
export async function hasQueue(name: string): Promise<boolean> {
  const { code, stdout, stderr } = await runWrangler(['queues', 'info', name])
  if (code === 0) return true
  if (/does not exist/i.test(stdout + stderr)) return false
  throw new Error(`wrangler queues info ${name} failed:\n${`${stdout}${stderr}`.trim()}`)
}

export const createQueue = (name: string) => require(['queues', 'create', name])

/** The names of the Worker's secrets; null when there is no such Worker yet. */
export async function secretNames(): Promise<string[] | null> {
  const { code, stdout, stderr } = await runWrangler(['secret', 'list', TOP_LEVEL])
  if (code !== 0) {
    if (/Worker ".*not found/.test(stdout + stderr)) return null
    throw new Error(`wrangler secret list failed:\n${`${stdout}${stderr}`.trim()}`)
  }
  return v.parse(Names, parsed(stdout)).map(({ name }) => name)
}

export const putSecrets = (secrets: Record<string, string>) =>
  require(['secret', 'bulk', TOP_LEVEL], JSON.stringify(secrets))

export const deploy = () => require(['deploy', TOP_LEVEL])

/** The JSON in what was printed: a warning may come before it. */
function parsed(printed: string): unknown {
  const start = printed.search(/^[[{]/m)
  try {
    return JSON.parse(printed.slice(Math.max(0, start)))
  } catch {
    return null
  }
}
