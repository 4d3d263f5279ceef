/** A passkey as its owner sees it. */
import * as v from 'valibot'
import { AnsweredInstant, instant } from '../http/answer.ts'
import type { FoundPasskey } from './passkey-store.ts'

export const PasskeyAnswer = v.object({
  id: v.pipe(v.string(), v.uuid()),
  /** Base64url, as browsers have it. */
  credential_id: v.string(),
  name: v.string(),
  transports: v.array(v.string()),
  /** Whether it has been copied to other devices of its owner. */
  backed_up: v.boolean(),
  /** The model of the authenticator; zeros where it does not tell. */
  aaguid: v.pipe(v.string(), v.uuid()),
  /** Whether it is asked for after another factor. */
  is_second_factor: v.boolean(),
  /** False of a second factor that stayed when the account was restored. */
  signs_in: v.boolean(),
  created_at: AnsweredInstant,
  last_used_at: v.nullable(AnsweredInstant),
})

export const presentPasskey = (passkey: FoundPasskey): v.InferOutput<typeof PasskeyAnswer> => ({
  id: passkey.id,
  credential_id: passkey.credentialId,
  name: passkey.name,
  transports: passkey.transports,
  backed_up: passkey.backedUp,
  aaguid: passkey.aaguid,
  is_second_factor: passkey.isSecondFactor,
  signs_in: passkey.signsIn,
  created_at: instant(passkey.createdAt),
  last_used_at: passkey.lastUsedAt && instant(passkey.lastUsedAt),
})
