/** Standard Webhooks v1: HMAC-SHA-256 over `id.timestamp.body`, one signature for each secret that is in use. */
import { fromBase64, toBase64 } from '../crypto/base64.ts'
import { hmacSha256 } from '../crypto/hmac.ts'
import { Fault } from '../problem.ts'

/**
 * @param secrets `whsec_…`, newest first
 * @param message.timestamp of this attempt, in seconds
 * @returns the value of `webhook-signature`
 */
export async function signWebhook(
  secrets: readonly string[],
  { id, timestamp, body }: { id: string; timestamp: number; body: string },
): Promise<string> {
  const signatures = await Promise.all(
    secrets.map((secret) => hmacSha256(keyOf(secret), `${id}.${timestamp}.${body}`)),
  )
  // 32 bytes are 43 characters and the padding that standard base64 wants.
  return signatures.map((signature) => `v1,${toBase64(signature)}=`).join(' ')
}

function keyOf(secret: string): Uint8Array {
  const key = fromBase64(secret.replace(/^whsec_/, '').replace(/=$/, ''))
  if (!key) throw new Fault('internal_error', 'a webhook secret has an invalid format')
  return key
}
