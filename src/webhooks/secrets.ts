/**
 * The secrets that deliveries are signed with (Standard Webhooks): shown once, when they are made, and sealed for their
 * endpoint in its row. For a day after a rotation both sign, so that a receiver can change over.
 */
import type { Context } from '../context.ts'
import { toBase64 } from '../crypto/base64.ts'
import { open, seal } from '../crypto/sealing.ts'
import { Fault } from '../problem.ts'

const SECRET_BYTES = 32

/** How long the secret before a rotation goes on signing. */
export const OVERLAP_SECONDS = 86_400

/** What signs the deliveries of an endpoint now. */
export type SealedSecrets = {
  /** The endpoint's, for which they were sealed. */
  id: string
  sealedSecret: string
  /** While it goes on signing, by the database's clock; else null. */
  sealedPreviousSecret: string | null
}

/** `whsec_` and the standard base64, padded, of 256 random bits. */
export const newSecret = (random: Context['random']): string => `whsec_${toBase64(random(SECRET_BYTES))}=`

export async function sealSecret(
  { settings, random }: Pick<Context, 'settings' | 'random'>,
  endpointId: string,
  secret: string,
): Promise<string> {
  return seal(settings.authKeys, 'seal:webhook', new TextEncoder().encode(secret), endpointId, random)
}

/**
 * What signs a delivery now, newest first.
 * @throws Fault when one does not open: it was changed, or belongs to another endpoint
 */
export async function openSecrets(
  { settings }: Pick<Context, 'settings'>,
  { id, sealedSecret, sealedPreviousSecret }: SealedSecrets,
): Promise<string[]> {
  const sealed = [sealedSecret, ...(sealedPreviousSecret ? [sealedPreviousSecret] : [])]
  return Promise.all(
    sealed.map(async (text) => {
      const opened = await open(settings.authKeys, 'seal:webhook', text, id)
      if (opened === null)
        throw new Fault('internal_error', `a secret of webhook endpoint ${id} could not be decrypted`)
      return new TextDecoder().decode(opened)
    }),
  )
}
