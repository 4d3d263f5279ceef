/**
 * What runs in the background: the consumers of the queues and the two crons. Every one of them may be run twice,
 * at the same time, or be cut off in the middle.
 */

import { remindOfKeys } from './api-keys/remind-of-keys.job.ts'
import { auditSink } from './audit/audit.ts'
import { dropAuditMonths, makeAuditMonths } from './audit/audit-months.job.ts'
import type { Bindings } from './bindings.ts'
import { createJobContext, type JobContext } from './context.ts'
import { consumeEvents, reportDeadEvents } from './events/consumer.ts'
import { type Message, retryDelay } from './events/messages.ts'
import type { Sink } from './events/sink.ts'
import { sweepEvents } from './events/sweep.job.ts'
import { cleanUp } from './housekeeping/clean-up.job.ts'
import { checkKeyring } from './keys/auth-keys.ts'
import { keepSigningKeys } from './keys/keep-signing-keys.job.ts'
import { createLog } from './log.ts'
import { mailSink, sendDueMail } from './mailer/mail.ts'
import { closeUnprovedAccounts } from './me/close-unproved.job.ts'
import { eraseClosedAccounts } from './me/erase-closed.job.ts'
import { removeSecondFactorsDue } from './mfa/remove-second-factors.job.ts'
import { faultOf } from './problem.ts'
import { endSessionsLeft } from './sessions/end-sessions.job.ts'
import type { Secret } from './settings.ts'
import { consumeDeliveries, sweepDeliveries } from './webhooks/deliveries.ts'
import { webhookSink } from './webhooks/fan-out.ts'
import { settleDeliveries } from './webhooks/settling.ts'

/** Everything that takes events. */
const SINKS: readonly Sink[] = [auditSink, mailSink, webhookSink]

type Batch = { readonly queue: string; readonly messages: readonly Message[] }

/** By the queue's name in wrangler.toml. */
export const QUEUES: Record<string, (ctx: JobContext, messages: readonly Message[]) => Promise<unknown>> = {
  'latchkey-events': (ctx, messages) => consumeEvents(ctx, SINKS, messages),
  'latchkey-events-dead': reportDeadEvents,
  'latchkey-deliveries': consumeDeliveries,
}

type Job = { name: string; run(ctx: JobContext): Promise<unknown> }

/** By the cron expressions of wrangler.toml. The jobs of one cron run side by side and fail alone. */
export const CRONS: Record<string, readonly Job[]> = {
  '* * * * *': [
    { name: 'sweep events', run: (ctx) => sweepEvents(ctx, SINKS) },
    { name: 'send mail', run: sendDueMail },
    { name: 'sweep deliveries', run: sweepDeliveries },
    { name: 'settle deliveries', run: settleDeliveries },
    { name: 'end sessions', run: endSessionsLeft },
    { name: 'remove second factors', run: removeSecondFactorsDue },
    { name: 'check keyring', run: checkKeyring },
  ],
  '17 * * * *': [
    { name: 'signing keys', run: keepSigningKeys },
    { name: 'make audit months', run: makeAuditMonths },
    { name: 'drop audit months', run: dropAuditMonths },
    { name: 'clean up', run: cleanUp },
    { name: 'close unproved accounts', run: closeUnprovedAccounts },
    { name: 'erase accounts', run: eraseClosedAccounts },
    { name: 'remind of API keys', run: remindOfKeys },
  ],
}

/** The handlers of a Worker that has the queues and crons of wrangler.toml. @param needed the secrets without which it fails */
export function createJobs(needed: readonly Secret[]) {
  return {
    /**
     * A batch that fails as a whole (no settings, no database) is retried message by message, each after its delay.
     * Thrown on, the platform would give it again at once, and an outage of minutes would use up every retry.
     */
    async queue(batch: Batch, bindings: Bindings): Promise<void> {
      const consume = QUEUES[batch.queue]
      if (!consume) throw new Error(`no consumer for the queue ${batch.queue}`)
      try {
        await runLogged({ queue: batch.queue }, bindings, needed, (ctx) => consume(ctx, batch.messages))
      } catch {
        // The log has its cause. What the consumer has decided already stays so: the platform keeps to the first word.
        for (const message of batch.messages) message.retry({ delaySeconds: retryDelay(message.attempts) })
      }
    },
    async scheduled({ cron }: { readonly cron: string }, bindings: Bindings): Promise<void> {
      const jobs = CRONS[cron]
      if (!jobs) throw new Error(`no jobs for the cron ${cron}`)
      const outcomes = await Promise.allSettled(
        jobs.map(({ name, run }) => runLogged({ job: name }, bindings, needed, run)),
      )
      if (outcomes.some(({ status }) => status === 'rejected')) throw new Error('a job failed; see its line')
    },
  }
}

async function runLogged(
  standing: { queue: string } | { job: string },
  bindings: Bindings,
  needed: readonly Secret[],
  run: (ctx: JobContext) => Promise<unknown>,
): Promise<void> {
  try {
    await run(createJobContext(bindings, needed, standing))
  } catch (error) {
    createLog(standing)('error', 'job failed', { cause: faultOf(error).message })
    throw new Error('the job failed; its cause is in the log', { cause: faultOf(error).code })
  }
}
