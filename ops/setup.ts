/**
 * `npm run setup -- --host auth.acme.com --tenant acme --admin you@acme.com` — a first deployment, from an account of Cloudflare, a
 * database and a Redis to an administrator who can sign in. It says what it would do; with `--yes` it does it. It may be stopped and run
 * again: what is done already is left as it is.
 *   --zone acme.com      the zone of the host, where that is not what is left without its first word
 *   --name "Acme"        the tenant's name, as people read it
 * What it needs and makes of secrets is in `.env.deployment` (docs/deploying.md); none is shown, or in a command line.
 */
import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { EmailAddress } from '../src/accounts/accounts.ts'
import { SECRETS } from '../src/settings.ts'
import { isHost, isSlug, isTenantName } from '../src/tenants/names.ts'
import { createOperatorContext, lineOf, type Output, run } from './context.ts'
import { diagnose } from './doctor.ts'
import { readDeployment } from './setup/deployment-file.ts'
import { readSteps, type Setup, type Wish } from './setup/steps.ts'

const OPTIONS = {
  host: { type: 'string' },
  zone: { type: 'string' },
  tenant: { type: 'string' },
  name: { type: 'string' },
  admin: { type: 'string' },
  yes: { type: 'boolean' },
} as const

const USAGE =
  'npm run setup -- --host auth.acme.com --tenant acme --admin you@acme.com [--name "Acme"] [--zone acme.com] [--yes]'

function readWish(words: string[]): { wish: Wish; yes: boolean } {
  const { values } = parseArgs({ args: words, options: OPTIONS })
  const { host = '', tenant = '', admin = '', name = tenant, yes = false } = values
  const zone = values.zone ?? host.slice(host.indexOf('.') + 1)
  if (host === '' || tenant === '' || admin === '') throw new Error(USAGE)
  if (!isHost(host)) throw new Error(`${host} is not a host name; it must be lower case, e.g. auth.acme.com`)
  if (host !== zone && !host.endsWith(`.${zone}`))
    throw new Error(`${host} is not a host of the zone ${zone}`)
  if (!isSlug(tenant)) throw new Error('--tenant is a word of lower-case letters, digits and hyphens')
  if (!isTenantName(name)) throw new Error('--name must have 1 to 100 characters, without control characters')
  if (!v.is(EmailAddress, admin)) throw new Error('--admin is an email address')
  return { wish: { host, zone, tenant, name, admin }, yes }
}

/** @returns whether something is left to do */
async function walk(setup: Setup, isReal: boolean): Promise<boolean> {
  const left = new Set<string>()
  const say = (mark: string, name: string, what: string) =>
    setup.out.log(`${mark.padEnd(7)} ${name}: ${what}`)
  for (const step of readSteps()) {
    // What an earlier step would make cannot be looked at: in a dry run it is not there.
    const waits = step.after.some((name) => left.has(name))
    const there = waits ? null : await step.look(setup)
    if (there !== null) say('is done', step.name, there)
    else {
      const what = step.would(setup)
      if (isReal) await step.act(setup)
      else left.add(step.name)
      say(isReal ? 'done' : 'would', step.name, what)
    }
  }
  return left.size > 0
}

/** @param words the arguments of `npm run setup --` */
export async function setupCommand(words: string[], out: Output = console): Promise<void> {
  const { wish, yes } = readWish(words)
  const deployment = readDeployment(process.env)
  const given = () => SECRETS.filter((name) => deployment[name])
  const connect = () => createOperatorContext({ ...deployment }, given())
  const isLeft = await walk({ wish, deployment, connect, out }, yes)
  if (isLeft) return out.error('Nothing was changed. The same with --yes does it.')
  out.log('')
  const isWrong = await diagnose(connect(), (name) => given().includes(name), { out })
  if (isWrong) process.exitCode = 1
  out.error(
    isWrong
      ? 'It is deployed, and the doctor found something wrong. Put that right, and run the same again.'
      : `It is deployed: https://${wish.host}. Keep .env.deployment where you keep secrets; nothing gives it back.`,
  )
}

if (import.meta.main)
  await run(async () => {
    try {
      await setupCommand(process.argv.slice(2))
    } catch (error) {
      throw new Error(`${lineOf(error)}\nPut that right, and run the same again: what is done stays done.`)
    }
  })
