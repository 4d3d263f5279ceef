/**
 * The three ways out, chosen by setting. Each takes one mail, never longer than its deadline, and says what became of it.
 * Nothing of a provider's answer is kept or logged but its status.
 */
import type { JobContext } from '../context.ts'
import { readAtMost } from '../http/read-at-most.ts'

export type Mail = {
  to: string
  /** A display name of RFC 5322 that needs no quotes; may be empty. The address is the deployment's. */
  senderName: string
  subject: string
  text: string
  html: string
  headers: Record<string, string>
  /** The same for every attempt: a provider that knows it sends once. */
  idempotencyKey: string
}

/** `retry` is for now, `refused` is for good. The reason is a code of ours. */
export type Outcome = { is: 'sent' } | { is: 'retry' | 'refused'; reason: string }

export type Transport = (mail: Mail) => Promise<Outcome>

type Provider = { url: string; apiKey: string | null; from: string }

const DEADLINE_MS = 10_000

/** @returns null when this deployment sends no mail */
export function chooseTransport({
  settings,
  email,
}: Pick<JobContext, 'settings' | 'email'>): Transport | null {
  const { mail: chosen } = settings
  switch (chosen.transport) {
    case 'none':
      return null
    case 'cloudflare':
      return (mail) => sendByBinding(email, chosen.from, mail)
    case 'resend':
      return (mail) => post(chosen, mail)
    case 'mailbox':
      return (mail) => post({ ...chosen, apiKey: null }, mail)
  }
}

/** Codes that say something of this mail; every other is of limits, of the set-up, or of an outage, and may pass. */
const OF_THE_MAIL =
  /^E_(VALIDATION_ERROR|FIELD_MISSING|RECIPIENT_NOT_ALLOWED|CONTENT_TOO_LARGE|HEADERS?_[A-Z_]+)$/

/** The Email binding knows no idempotency key: an attempt whose answer is lost is made again, and may arrive twice. */
export async function sendByBinding(
  binding: JobContext['email'],
  from: string,
  { to, senderName, subject, text, html, headers }: Mail,
): Promise<Outcome> {
  if (!binding) return { is: 'retry', reason: 'no_binding' }
  const message = { to, from: { email: from, name: senderName }, subject, text, html, headers }
  const deadline = Promise.withResolvers<Outcome>()
  const timer = setTimeout(() => deadline.resolve({ is: 'retry', reason: 'timeout' }), DEADLINE_MS)
  try {
    return await Promise.race([
      binding.send(message).then((): Outcome => ({ is: 'sent' }), outcomeOfError),
      deadline.promise,
    ])
  } finally {
    clearTimeout(timer)
  }
}

function outcomeOfError(error: unknown): Outcome {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'E_RECIPIENT_SUPPRESSED') return { is: 'refused', reason: 'suppressed' }
  if (OF_THE_MAIL.test(code)) return { is: 'refused', reason: 'not_acceptable' }
  const isLimit = code === 'E_RATE_LIMIT_EXCEEDED' || code === 'E_DAILY_LIMIT_EXCEEDED'
  return { is: 'retry', reason: isLimit ? 'rate_limited' : 'unavailable' }
}

/** The longest that a provider may ask us to wait within an attempt: it counts by the second. */
const LONGEST_WAIT_SECONDS = 3

/** Resend's `POST /emails`, which the local mailbox speaks too. */
async function post(provider: Provider, mail: Mail): Promise<Outcome> {
  const first = await postOnce(provider, mail)
  const waitSeconds = 'waitSeconds' in first ? first.waitSeconds : 0
  if (waitSeconds === 0 || waitSeconds > LONGEST_WAIT_SECONDS) return first
  await new Promise((resolve) => setTimeout(resolve, waitSeconds * 1000))
  return postOnce(provider, mail)
}

async function postOnce(
  { url, apiKey, from }: Provider,
  { to, senderName, subject, text, html, headers, idempotencyKey }: Mail,
): Promise<Outcome & { waitSeconds?: number }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual', // a mail goes where the setting says, or nowhere
      signal: AbortSignal.timeout(DEADLINE_MS),
      headers: {
        'content-type': 'application/json',
        'idempotency-key': idempotencyKey,
        ...(apiKey !== null && { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({
        from: senderName === '' ? from : `${senderName} <${from}>`,
        to,
        subject,
        text,
        html,
        headers,
      }),
    })
    return await outcomeOfResponse(response)
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === 'TimeoutError'
    return { is: 'retry', reason: isTimeout ? 'timeout' : 'unreachable' }
  }
}

const MAX_ANSWER_BYTES = 64 * 1024

async function outcomeOfResponse(response: Response): Promise<Outcome & { waitSeconds?: number }> {
  const { status, headers } = response
  const reason = `http_${status}`
  // A mail with this key, and another content, was taken before: the person has it, as it was then.
  const said = status === 409 ? await readAtMost(response, MAX_ANSWER_BYTES) : ''
  if (/"invalid_idempotent_request"/.test(said)) return { is: 'sent' }
  if (status !== 409) await response.body?.cancel()
  if (response.ok) return { is: 'sent' }
  // What the mail is to blame for. A wrong key, domain or address of the provider is ours to put right meanwhile.
  if (status === 400 || status === 413 || status === 422) return { is: 'refused', reason }
  if (status === 429) return { is: 'retry', reason, waitSeconds: Number(headers.get('retry-after')) || 0 }
  return { is: 'retry', reason }
}
