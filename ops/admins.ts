/**
 * `DATABASE_URL=… npm run admins` — who administers a tenant.
 *   npm run admins                      the accounts with the role `admin`
 *   npm run admins -- grant <address>   an account that is there, and whose address is proved (--unproved: or not)
 *   npm run admins -- add <address>     an account whose address you vouch for: it is made, and mailed a link that sets its password (AUTH_KEYS besides)
 *   npm run admins -- revoke <address>  (--last: also the last one)
 * `--tenant <slug>` where there are several, `--json` for programs, `--local` for the database of `npm run dev`.
 */
import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { type FoundAccount, findAccounts } from '../src/access/find-store.ts'
import { changeRoles, findAdministrators } from '../src/access/roles-store.ts'
import { type CanonicalEmail, EmailAddress } from '../src/accounts/accounts.ts'
import { insertImports } from '../src/admin/import-store.ts'
import { readEntry } from '../src/admin/import-users.ts'
import { issueReset } from '../src/admin/reset-store.ts'
import { byOperator } from '../src/guard/acting-store.ts'
import { ADMIN } from '../src/guard/demands.ts'
import { newToken } from '../src/one-time/one-time.ts'
import { createOperatorContext, type OperatorContext, type Output, run } from './context.ts'
import { findImportTarget, requireTenantId } from './tenant-of.ts'

const OPTIONS = {
  tenant: { type: 'string' },
  unproved: { type: 'boolean' },
  last: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

const UNPROVED = 'the email address is not verified, so it may belong to another person; verify it first'

async function list(ctx: OperatorContext, tenantId: string, isJson: boolean, out: Output): Promise<void> {
  const administrators = await findAdministrators(ctx, tenantId)
  if (isJson) return out.log(JSON.stringify(administrators))
  if (administrators.length === 0)
    return out.error('there are no administrators yet; next: npm run admins -- add <address>')
  out.table(administrators)
}

type Account = { tenantId: string; userId: string; roles: readonly string[] }

async function grant(
  ctx: OperatorContext,
  { tenantId, userId, roles }: Account,
  unproved: boolean,
  out: Output,
): Promise<void> {
  if (roles.includes(ADMIN)) return out.error('the account is already an administrator')
  const target = { acting: byOperator(tenantId), userId, reason: null }
  const account = await changeRoles(ctx, target, { grant: [ADMIN], revoke: [] }, { unproved, last: false })
  if (account.isChanged)
    return out.error('granted; it applies at once, and is in the access token after the next refresh')
  if (!account.hasRoom) throw new Error('the account has the maximum number of roles')
  if (account.isProved || unproved) throw new Error('nothing was changed: the account has changed meanwhile')
  throw new Error(`${UNPROVED}, or add --unproved`)
}

/** Granted last, so that a run that was cut off is repeated as a whole: an administrator is one who was mailed the link. */
async function add(
  ctx: OperatorContext,
  { tenantId, email }: { tenantId: string; email: CanonicalEmail },
  out: Output,
): Promise<void> {
  const account = (await findOpen(ctx, tenantId, email)) ?? (await make(ctx, tenantId, email))
  if (account.roles.includes(ADMIN)) return out.error('the account is already an administrator')
  if (!account.emailVerifiedAt) throw new Error(UNPROVED)
  const target = { acting: byOperator(tenantId), userId: account.id, reason: null }
  const { isChanged } = await issueReset(ctx, target, await newToken(ctx, 'reset_password'))
  if (!isChanged) throw new Error('nothing was changed: the account is disabled')
  await grant(ctx, { tenantId, userId: account.id, roles: account.roles }, false, out)
  out.error('a link that sets the password is mailed within a minute; it works once, for half an hour')
}

async function make(ctx: OperatorContext, tenantId: string, email: CanonicalEmail): Promise<FoundAccount> {
  const entry = readEntry(ctx, { email, email_verified: true }, await findImportTarget(ctx, tenantId))
  if (!('user' in entry)) throw new Error(`${email} cannot be made an account: ${entry.code}`)
  await insertImports(ctx, tenantId, [entry.user])
  const made = await findOpen(ctx, tenantId, email)
  if (!made) throw new Error('nothing was changed: the account was closed meanwhile')
  return made
}

async function findOpen(ctx: OperatorContext, tenantId: string, email: string): Promise<FoundAccount | null> {
  const [found] = await findAccounts(ctx, { tenantId }, { email })
  return found && !found.deletedAt ? found : null
}

async function revoke(
  ctx: OperatorContext,
  { tenantId, userId }: Account,
  last: boolean,
  out: Output,
): Promise<void> {
  const target = { acting: byOperator(tenantId), userId, reason: null }
  const account = await changeRoles(ctx, target, { grant: [], revoke: [ADMIN] }, { unproved: false, last })
  if (account.isChanged) return out.error('revoked; it applies at once')
  if (!account.isLast) return out.error('the account is not an administrator')
  throw new Error('this is the last administrator; add --last to revoke it anyway')
}

/** @param words the arguments of `npm run admins --` */
export async function adminsCommand(
  ctx: OperatorContext,
  words: string[],
  out: Output = console,
): Promise<void> {
  const { values, positionals } = parseArgs({ args: words, options: OPTIONS, allowPositionals: true })
  const [command = 'list', address, ...rest] = positionals
  const tenantId = await requireTenantId(ctx, values.tenant ?? null)
  if (command === 'list') return list(ctx, tenantId, values.json ?? false, out)
  const email = v.safeParse(EmailAddress, address)
  if (
    !email.success ||
    rest.length > 0 ||
    !(command === 'add' || command === 'grant' || command === 'revoke')
  )
    throw new Error('npm run admins [-- add | grant | revoke <e-mail address>] [--tenant <slug>]')
  if (command === 'add') return add(ctx, { tenantId, email: email.output }, out)
  const found = await findOpen(ctx, tenantId, email.output)
  if (!found) throw new Error('no account has this email address; register or invite it first')
  const account = { tenantId, userId: found.id, roles: found.roles }
  if (command === 'grant') return grant(ctx, account, values.unproved ?? false, out)
  return revoke(ctx, account, values.last ?? false, out)
}

if (import.meta.main)
  await run(() => {
    const words = process.argv.slice(2)
    // A mailed link is made under the newest key; nothing else here needs one.
    const needed = words.includes('add')
      ? (['DATABASE_URL', 'AUTH_KEYS'] as const)
      : (['DATABASE_URL'] as const)
    return adminsCommand(createOperatorContext(process.env, needed), words)
  })
