/** A removal of second factors that waits, as administrators see it. */
import * as v from 'valibot'
import { instant } from '../http/answer.ts'
import type { Removal } from '../mfa/removal-store.ts'

export const RemovalAnswer = v.object({
  id: v.string(),
  user_id: v.string(),
  requested_by: v.string(),
  reason: v.string(),
  requested_at: v.string(),
  due_at: v.string(),
})

export const presentRemoval = (removal: Removal): v.InferOutput<typeof RemovalAnswer> => ({
  id: removal.id,
  user_id: removal.userId,
  requested_by: removal.requestedBy,
  reason: removal.reason,
  requested_at: instant(removal.requestedAt),
  due_at: instant(removal.dueAt),
})
