/** An API key as those who manage it see it: never the key itself. */
import * as v from 'valibot'
import { AnsweredInstant, instant } from '../http/answer.ts'
import type { StoredKey } from './api-key-store.ts'

export const OwnerKind = v.picklist(['user', 'tenant'], 'unknown_owner')

/** A word of `api_key_scopes` of the tenant's settings. */
export const Scope = v.pipe(v.string(), v.regex(/^[!#-[\]-~]{1,64}$/, 'invalid_scope'))

export const ApiKeyAnswer = v.object({
  id: v.pipe(v.string(), v.uuid()),
  owner: OwnerKind,
  name: v.string(),
  scopes: v.array(v.string()),
  created_at: AnsweredInstant,
  /** Null where it does not end by itself. */
  expires_at: v.nullable(AnsweredInstant),
  /** To ten minutes. */
  last_used_at: v.nullable(AnsweredInstant),
  /** Until when the key before the last rotation counts. */
  previous_expires_at: v.nullable(AnsweredInstant),
})

export const presentKey = (key: StoredKey): v.InferOutput<typeof ApiKeyAnswer> => ({
  id: key.id,
  owner: key.userId === null ? 'tenant' : 'user',
  name: key.name,
  scopes: key.scopes,
  created_at: instant(key.createdAt),
  expires_at: key.expiresAt && instant(key.expiresAt),
  last_used_at: key.lastUsedAt && instant(key.lastUsedAt),
  previous_expires_at: key.previousExpiresAt && instant(key.previousExpiresAt),
})
