/**
 * `DATABASE_URL=… npm run tenants` — the pools of people that a deployment serves, each with its issuer and its settings.
 *   npm run tenants                                             all of them
 *   npm run tenants -- show <slug>                              one, with every setting and its default
 *   npm run tenants -- add <slug> --issuer https://auth.example.com [--name "Acme"] [--host …] [--origin …] [setting=value …]
 *   npm run tenants -- set <slug> [--name …] [--issuer …] [--logo <file>] [setting=value …]      an empty value is the default again
 *   npm run tenants -- hosts <slug> add|remove <host>…          where it answers
 *   npm run tenants -- delete <slug>                           it answers nowhere, and is kept for 30 days
 *   npm run tenants -- restore <slug> <host>…                  within these
 *   npm run tenants -- erase <slug> [--now]                    everything of it is deleted for good
 *   npm run tenants -- origins <slug> add|remove <origin>…      which web pages of other origins may call it
 * `--json` for programs, `--yes` for what loses something, `--local` for the database of `npm run dev`.
 */
import { parseArgs } from 'node:util'
import { isLoopback } from '../src/environments.ts'
import { newId } from '../src/events/outbox.ts'
import { PUBLIC_SECONDS } from '../src/http/answer.ts'
import { isHost, isOrigin, isSlug, isTenantName } from '../src/tenants/names.ts'
import {
  deleteHost,
  findTenantsWithHosts,
  insertHost,
  insertTenant,
  type TenantChange,
  updateTenant,
} from '../src/tenants/tenant-store.ts'
import { confirm } from './confirm.ts'
import { createOperatorContext, type OperatorContext, type Output, run } from './context.ts'
import { closeCommand, eraseCommand, restoreCommand } from './tenant-end.ts'
import { readLogo, withLogo } from './tenant-logo.ts'
import { inheritances } from './tenant-roles.ts'
import { changeSettings, settingRows } from './tenant-settings.ts'

const OPTIONS = {
  issuer: { type: 'string' },
  name: { type: 'string' },
  logo: { type: 'string' },
  host: { type: 'string', multiple: true },
  origin: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  now: { type: 'boolean' },
  yes: { type: 'boolean' },
} as const

type Options = ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>['values']
type Stored = Awaited<ReturnType<typeof findTenantsWithHosts>>[number]
type Command = (ctx: OperatorContext, words: string[], options: Options, out: Output) => Promise<void>

async function requireStored(ctx: OperatorContext, slug: string | undefined): Promise<Stored> {
  if (!slug) throw new Error('name the tenant by its slug')
  const [tenant] = await findTenantsWithHosts(ctx, slug)
  if (tenant) return tenant
  const slugs = (await findTenantsWithHosts(ctx, null)).map((one) => one.slug)
  throw new Error(
    `there is no tenant ${slug}; there ${slugs.length === 0 ? 'is none yet' : `are ${slugs.join(', ')}`}`,
  )
}

const list: Command = async (ctx, _, { json }, out) => {
  const stored = await findTenantsWithHosts(ctx, null)
  if (json) return out.log(JSON.stringify(stored))
  if (stored.length === 0)
    return out.error('there is no tenant yet; next: npm run tenants -- add <slug> --issuer https://…')
  out.table(stored.map(({ slug, name, issuer, hosts }) => ({ slug, name, issuer, hosts: hosts.join(' ') })))
}

const show: Command = async (ctx, [slug], { json }, out) => {
  const tenant = await requireStored(ctx, slug)
  const { settings, ...rest } = tenant
  if (json) return out.log(JSON.stringify({ ...rest, settings: settingRows(settings) }))
  const { id, name, issuer, hosts, allowedOrigins } = tenant
  out.table({ id, name, issuer, hosts: hosts.join(' '), origins: allowedOrigins.join(' ') })
  out.table(settingRows(settings))
}

const add: Command = async (ctx, [slug = '', ...words], options, out) => {
  if (!isSlug(slug)) throw new Error('the slug is a word of lower-case letters, digits and hyphens')
  const issuer = requireIssuer(ctx, options.issuer)
  const tenant = {
    id: newId(ctx),
    slug,
    name: requireName(options.name ?? slug),
    issuer,
    // Who asks for the issuer's documents asks its host.
    hosts: [...new Set([new URL(issuer).host, ...(options.host ?? []).map(requireHost)])],
    allowedOrigins: [...new Set((options.origin ?? []).map(requireOrigin))],
    settings: changeSettings({}, words, issuer),
  }
  const taken = await insertTenant(ctx, tenant)
  if (taken.length > 0) throw new Error(`nothing was created: another tenant has ${taken.join(' and ')}`)
  if (options.json) return out.log(JSON.stringify(tenant))
  out.error(`created ${slug} with the id ${tenant.id}. Next:`)
  out.error(`  give the Workers a route for ${tenant.hosts.join(' and ')}`)
  out.error(`  make a signing key, if this is the first tenant: npm run keys -- rotate`)
  out.error(`  make its first administrator: npm run admins -- add <address> --tenant ${slug}`)
}

const set: Command = async (ctx, [slug, ...words], options, out) => {
  const before = await requireStored(ctx, slug)
  const issuer = options.issuer === undefined ? before.issuer : requireIssuer(ctx, options.issuer)
  if (!before.hosts.includes(new URL(issuer).host))
    throw new Error(`${before.slug} does not answer at ${new URL(issuer).host}; add the host first`)
  const name = options.name === undefined ? before.name : requireName(options.name)
  const logo = options.logo === undefined ? undefined : await readLogo(options.logo)
  const settings = withLogo(changeSettings(before.settings, words, issuer), logo)
  const fields = [
    ...(name === before.name ? [] : ['name']),
    ...(issuer === before.issuer ? [] : ['issuer']),
    ...(logo === undefined ? [] : ['logo']),
    ...words.map((word) => word.slice(0, word.indexOf('='))),
  ]
  if (fields.length === 0) throw new Error('say what to change: setting=value, --name, --issuer or --logo')
  const consequences = [
    ...losses(before, { ...before, issuer, settings }),
    ...(await inheritances(ctx, before, settings)),
  ]
  for (const consequence of consequences) await confirm(consequence, options.yes ?? false)
  const picture = logo !== undefined && { logo: logo?.dataUrl ?? null }
  await change(ctx, before, { ...before, name, issuer, settings, ...picture }, fields)
  out.error(`${before.slug}: ${fields.join(', ')} changed`)
  out.error(`Edge caches may answer as before for ${PUBLIC_SECONDS / 60} minutes.`)
}

/** What a change takes away from people. */
function losses(before: TenantChange, after: TenantChange): string[] {
  const domainOf = ({ settings, issuer }: TenantChange) =>
    ({ passkey_rp_id: new URL(issuer).hostname, ...(settings as object) }).passkey_rp_id
  return [
    ...(before.issuer === after.issuer
      ? []
      : ['Another issuer makes every access token invalid, and applications must be told of it.']),
    ...(domainOf(before) === domainOf(after)
      ? []
      : ['Another passkey_rp_id makes every passkey of this tenant unusable.']),
  ]
}

async function change(
  ctx: OperatorContext,
  before: Stored,
  after: TenantChange,
  fields: string[],
): Promise<void> {
  if (!(await updateTenant(ctx, before, after, fields)))
    throw new Error(`${before.slug} was changed by another command at the same time; check it and try again`)
}

const hosts: Command = async (ctx, [slug, verb, ...words], _, out) => {
  const tenant = await requireStored(ctx, slug)
  if ((verb !== 'add' && verb !== 'remove') || words.length === 0)
    throw new Error('npm run tenants -- hosts <slug> add|remove <host>…')
  if (tenant.closedAt)
    throw new Error(`${tenant.slug} is deleted; first: npm run tenants -- restore ${tenant.slug} <host>…`)
  for (const host of words.map(requireHost)) {
    if (verb === 'remove' && host === new URL(tenant.issuer).host)
      throw new Error(`${host} is the host of the issuer; change that first`)
    const isDone =
      verb === 'add' ? await insertHost(ctx, tenant.id, host) : await deleteHost(ctx, tenant.id, host)
    if (isDone) out.error(`${tenant.slug}: ${host} ${verb === 'add' ? 'added' : 'removed'}`)
    else if (verb === 'remove') throw new Error(`${tenant.slug} does not answer at ${host}`)
    else if (!tenant.hosts.includes(host)) throw new Error(`${host} belongs to another tenant`)
  }
}

const origins: Command = async (ctx, [slug, verb, ...words], _, out) => {
  const before = await requireStored(ctx, slug)
  if ((verb !== 'add' && verb !== 'remove') || words.length === 0)
    throw new Error('npm run tenants -- origins <slug> add|remove <origin>…')
  const named = words.map(requireOrigin)
  const allowedOrigins =
    verb === 'add'
      ? [...new Set([...before.allowedOrigins, ...named])]
      : before.allowedOrigins.filter((origin) => !named.includes(origin))
  await change(ctx, before, { ...before, allowedOrigins }, ['allowed_origins'])
  out.error(`${before.slug} allows ${allowedOrigins.join(' ') || 'no origin but its own'}`)
  out.error(`Edge caches may answer as before for ${PUBLIC_SECONDS / 60} minutes.`)
}

function requireIssuer({ settings }: OperatorContext, issuer: string | undefined): string {
  const isLocal = (hostname: string) =>
    settings.environment === 'local' && (isLoopback(hostname) || hostname.endsWith('.localhost'))
  if (issuer !== undefined && isOrigin(issuer, isLocal)) return issuer
  throw new Error('--issuer is an https origin, e.g. https://auth.example.com, without a path')
}

function requireName(name: string): string {
  if (isTenantName(name)) return name
  throw new Error(
    '--name must have 1 to 100 characters, without control characters and without leading or trailing blanks',
  )
}

function requireHost(host: string): string {
  if (isHost(host)) return host
  throw new Error(`${host} is not a host name; it must be lower case, e.g. auth.example.com`)
}

/** A developer's own page is called by its browser, so it may be plain. */
function requireOrigin(origin: string): string {
  if (isOrigin(origin, isLoopback)) return origin
  throw new Error(`${origin} is not a web origin; it must be like https://app.example.com, without a path`)
}

const remove: Command = async (ctx, [slug], { yes }, out) =>
  closeCommand(ctx, await requireStored(ctx, slug), yes ?? false, out)

const restore: Command = async (ctx, [slug, ...words], options, out) => {
  const tenant = await requireStored(ctx, slug)
  if (words.length === 0) throw new Error('say at which hosts it answers: restore <slug> <host>…')
  words.map(requireHost)
  await restoreCommand(ctx, tenant, out)
  await hosts(ctx, [tenant.slug, 'add', ...words], options, out)
}

const erase: Command = async (ctx, [slug], { yes, now }, out) => {
  const tenant = await requireStored(ctx, slug)
  await eraseCommand(ctx, tenant, { now: now ?? false, isConfirmed: yes ?? false }, out)
}

const COMMANDS: Record<string, Command> = {
  ...{ list, show, add, set, hosts, origins },
  ...{ delete: remove, restore, erase },
}

/** @param words the arguments of `npm run tenants --` */
export async function tenantsCommand(
  ctx: OperatorContext,
  words: string[],
  out: Output = console,
): Promise<void> {
  const { values, positionals } = parseArgs({ args: words, options: OPTIONS, allowPositionals: true })
  const [name = 'list', ...rest] = positionals
  const command = COMMANDS[name]
  if (!command)
    throw new Error('npm run tenants [-- show | add | set | hosts | origins | delete | restore | erase …]')
  await command(ctx, rest, values, out)
}

if (import.meta.main)
  await run(() => tenantsCommand(createOperatorContext(process.env, ['DATABASE_URL']), process.argv.slice(2)))
