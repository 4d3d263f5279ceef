/**
 * `DATABASE_URL=… npm run users` — one account, for the night when the API is the problem.
 *   npm run users -- find <address or id>
 *   npm run users -- disable <address or id>        it cannot sign in, refresh or call, and its sessions end
 *   npm run users -- enable <address or id>
 *   npm run users -- end-sessions <address or id>
 *   npm run users -- reset <address or id>          mails a link that sets a new password (AUTH_KEYS besides)
 * `--reason <text>` is kept in the event, `--last` disables the last administrator too, `--yes` answers the question before, `--json` is for programs, `--tenant <slug>` where
 * there are several, `--local` for the database of `npm run dev`.
 */
import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { COUNTED_SESSIONS, type FoundAccount, findAccounts } from '../src/access/find-store.ts'
import { disableAccount, enableAccount, signAccountOut } from '../src/access/status-store.ts'
import type { Outcome, Target } from '../src/access/target-store.ts'
import { EmailAddress } from '../src/accounts/accounts.ts'
import { issueReset } from '../src/admin/reset-store.ts'
import { byOperator } from '../src/guard/acting-store.ts'
import { newToken } from '../src/one-time/one-time.ts'
import { confirm } from './confirm.ts'
import { createOperatorContext, type OperatorContext, type Output, run } from './context.ts'
import { requireTenantId } from './tenant-of.ts'

const OPTIONS = {
  tenant: { type: 'string' },
  reason: { type: 'string' },
  last: { type: 'boolean' },
  json: { type: 'boolean' },
  yes: { type: 'boolean' },
} as const

const MAX_REASON = 200

type Verb = {
  asks: (user: string) => string
  does: (ctx: OperatorContext, target: Target, options: { last: boolean }) => Promise<Outcome>
  done: string
  /** Why nothing changed. */
  not: string
}

const VERBS: Readonly<Record<string, Verb>> = {
  disable: {
    asks: (user) => `${user} will be signed out everywhere, and cannot sign in until you enable the account.`,
    does: disableAccount,
    done: 'disabled, and signed out everywhere; products that verify access tokens offline accept them until they expire',
    not: 'the account is already disabled, or closed',
  },
  enable: {
    asks: (user) => `${user} will be able to sign in again.`,
    does: enableAccount,
    done: 'enabled',
    not: 'the account is not disabled',
  },
  'end-sessions': {
    asks: (user) => `${user} will be signed out everywhere.`,
    does: signAccountOut,
    done: 'signed out everywhere; products that verify access tokens offline accept them until they expire',
    not: 'the account is closed',
  },
  reset: {
    asks: (user) => `${user} will be mailed a link that sets a new password.`,
    does: async (ctx, target) => issueReset(ctx, target, await newToken(ctx, 'reset_password')),
    done: 'will be mailed the link within a minute; it works once, for half an hour',
    not: 'the account is disabled or closed',
  },
}

/** @param words the arguments of `npm run users --` */
export async function usersCommand(
  ctx: OperatorContext,
  words: string[],
  out: Output = console,
): Promise<void> {
  const { values, positionals } = parseArgs({ args: words, options: OPTIONS, allowPositionals: true })
  const [command = '', who, ...rest] = positionals
  const verb = VERBS[command]
  if (!who || rest.length > 0 || (!verb && command !== 'find'))
    throw new Error(
      'npm run users -- find | disable | enable | end-sessions | reset <address or id> [--tenant <slug>] [--reason <text>] [--last]',
    )
  const reason = values.reason?.trim() || null
  if (reason && reason.length > MAX_REASON) throw new Error(`--reason has at most ${MAX_REASON} characters`)
  const tenantId = await requireTenantId(ctx, values.tenant ?? null)
  const found = await findAccounts(ctx, { tenantId }, readWho(who))
  const [user] = found
  if (!user) throw new Error('no such account in this tenant')
  if (!verb) return values.json ? out.log(JSON.stringify(found)) : out.table(found.map(present))
  await confirm(verb.asks(user.email ?? user.id), values.yes ?? false)
  const target = { acting: byOperator(tenantId), userId: user.id, reason }
  const { isChanged, isLast } = await verb.does(ctx, target, { last: values.last ?? false })
  if (!isChanged && isLast && command === 'disable' && user.status === 'active')
    throw new Error('this is the last administrator; add --last to disable the account anyway')
  if (!isChanged) throw new Error(`nothing was changed: ${verb.not}`)
  out.error(`${user.id} ${verb.done}`)
}

function readWho(text: string): { id: string } | { email: string } {
  const id = v.safeParse(v.pipe(v.string(), v.uuid()), text)
  if (id.success) return { id: id.output.toLowerCase() }
  const email = v.safeParse(EmailAddress, text)
  if (email.success) return { email: email.output }
  throw new Error('name the account by its e-mail address or its id')
}

const instant = (at: Date | null) => at?.toISOString().slice(0, 19) ?? ''

function present(user: FoundAccount) {
  const { id, email, status, roles, liveSessions } = user
  return {
    ...{ id, email: email ?? '', state: status, roles: roles.join(' ') },
    created: instant(user.createdAt),
    proved: instant(user.emailVerifiedAt),
    'second factor': instant(user.secondFactorSince),
    sessions: liveSessions === COUNTED_SESSIONS ? `${COUNTED_SESSIONS} or more` : liveSessions,
    'last seen': instant(user.lastUsedAt),
  }
}

if (import.meta.main)
  await run(() => {
    const words = process.argv.slice(2)
    // A mailed link is made under the newest key; nothing else here needs one.
    const needed = words.includes('reset')
      ? (['DATABASE_URL', 'AUTH_KEYS'] as const)
      : (['DATABASE_URL'] as const)
    return usersCommand(createOperatorContext(process.env, needed), words)
  })
