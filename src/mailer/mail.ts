/**
 * Mails what happened: each event to each recipient once. A row in `mails` is the promise; sending it is tried until it is
 * sent, refused for good, or no longer true. Address, name and language are read when it is sent, and written nowhere.
 */
import type { JobContext } from '../context.ts'
import type { Happened } from '../events/catalogue.ts'
import type { Sink } from '../events/sink.ts'
import { oneTimeToken, secondFactorCode, signInCode } from '../one-time/one-time-token.ts'
import { faultOf } from '../problem.ts'
import type { Settings } from '../settings.ts'
import { inert } from './inert.ts'
import { type DueMail, renderText, type Secrets, writeLetter } from './letter.ts'
import { mailOf } from './mails.ts'
import { type Claim, claimDueMail, dropPendingMails, postponeMail, recordMails, settleMail } from './store.ts'
import { chooseTransport, type Mail, type Outcome, type Transport } from './transports.ts'

/** Durable once the rows are written; a provider that is down is no reason to be given the events again. */
export const mailSink: Sink = {
  name: 'mail',
  take: async (ctx, events: readonly Happened[]) => {
    const mailed = events.filter(mailOf)
    if (mailed.length === 0) return null
    await recordMails(ctx, mailed)
    return () =>
      sendDueMail(ctx).catch((error: unknown) =>
        ctx.log('error', 'mail not sent now, the cron will retry', { cause: faultOf(error).message }),
      )
  },
}

/** After each attempt but the last; a mail is given up after eight and a half hours. */
const BACKOFF_SECONDS = [60, 300, 1800, 7200, 21_600]
const MAX_ATTEMPTS = BACKOFF_SECONDS.length + 1

/** A run ends before the next minute's begins, and when the provider is not well. */
const RUN_MS = 45_000
const MAX_FAILURES = 3

/** Sends what is due, one after another; any number of these may run at once. */
export async function sendDueMail(ctx: JobContext): Promise<void> {
  const transport = chooseTransport(ctx)
  if (!transport) return dropAll(ctx)
  const end = ctx.now().getTime() + RUN_MS
  for (let failures = 0; failures < MAX_FAILURES && ctx.now().getTime() < end; ) {
    const claimed = await claimDueMail(ctx, MAX_ATTEMPTS)
    if (!claimed) return
    const { claim, due } = claimed
    const outcome =
      typeof due === 'string' ? { is: 'dropped' as const, reason: due } : await send(ctx, transport, due)
    await settle(ctx, claim, outcome)
    if (outcome.is === 'retry' && outcome.reason !== NOT_WRITTEN) failures += 1
  }
}

async function dropAll(ctx: JobContext): Promise<void> {
  const dropped = await dropPendingMails(ctx, 'not_configured')
  if (dropped > 0) ctx.log('warn', 'mail dropped: MAIL_TRANSPORT is none', { mails: dropped })
}

const NOT_WRITTEN = 'fault'

/** A mail that cannot be written must not keep the others from being sent, however many there are. */
async function send(ctx: JobContext, transport: Transport, due: DueMail): Promise<Outcome> {
  try {
    return await transport(await writeMail(ctx, due))
  } catch (error) {
    ctx.log('error', 'could not write mail', { event_id: due.eventId, cause: faultOf(error).message })
    return { is: 'retry', reason: NOT_WRITTEN }
  }
}

async function writeMail({ settings }: Pick<JobContext, 'settings'>, due: DueMail): Promise<Mail> {
  const { renderHtml } = await import('./html.tsx')
  const secrets = await openSecrets(settings, due)
  const letter = writeLetter(due, secrets, { allowHttp: settings.environment === 'local' })
  return {
    to: due.address,
    senderName: senderName(due.tenant.name),
    subject: letter.subject,
    text: renderText(letter),
    html: renderHtml(letter),
    // RFC 3834: automatic replies do not answer it. The second keeps programs from folding notices into one thread.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Entity-Ref-ID': due.eventId },
    idempotencyKey: `${due.eventId}.${due.userId}`,
  }
}

/**
 * The token is derived again from its row, so nothing between the row and the mail ever holds it.
 * Throws `UnknownKeyError` when its key has left the ring, or has not come to this Worker yet.
 */
async function openSecrets(
  { authKeys }: Pick<Settings, 'authKeys'>,
  { token, code, address }: DueMail,
): Promise<Secrets | null> {
  if (code) return { token: null, code: await secondFactorCode(authKeys, { ...code, email: address }) }
  if (!token) return null
  const { id, keyId, purpose, hasCode } = token
  return {
    token: await oneTimeToken(authKeys, purpose, id, keyId),
    code: hasCode ? await signInCode(authKeys, id, keyId) : null,
  }
}

/** Without the characters that RFC 5322 gives a meaning to. */
const senderName = (tenant: string) =>
  inert(tenant, 64)
    .replace(/[()<>[\]:;@\\,."]/g, '')
    .trim()

async function settle(
  ctx: JobContext,
  claim: Claim,
  outcome: Outcome | { is: 'dropped'; reason: string },
): Promise<void> {
  const { eventId, template, attempts } = claim
  const said = { event_id: eventId, template, attempts }
  if (outcome.is === 'sent') {
    await settleMail(ctx, claim, { state: 'sent', reason: null })
    return ctx.log('info', 'mail sent', said)
  }
  const seconds = outcome.is === 'retry' ? BACKOFF_SECONDS[attempts - 1] : undefined
  if (seconds !== undefined) {
    await postponeMail(ctx, claim, { seconds, reason: outcome.reason })
    return ctx.log('warn', 'mail will be retried', { ...said, reason: outcome.reason })
  }
  const reason = outcome.is === 'retry' ? 'undeliverable' : outcome.reason
  await settleMail(ctx, claim, { state: 'dropped', reason })
  ctx.log(DROP_LEVELS[reason] ?? 'error', 'mail dropped', { ...said, reason, last: outcome.reason })
}

/** The log level of each reason: expected, or worth a look. */
const DROP_LEVELS: Record<string, 'info' | 'warn'> = {
  superseded: 'info',
  no_recipient: 'info',
  capped: 'warn',
}
