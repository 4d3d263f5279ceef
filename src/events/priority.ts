/**
 * In which order the sweep takes what waits. The mails about security are of the urgent ones (test/events/priority.test.ts
 * holds this list to src/mailer/mails.ts); what comes by the hundred thousand waits for all others.
 */
import type { EventType } from './catalogue.ts'

export const PRIORITIES = { urgent: 0, ordinary: 1, bulk: 2 } as const

const URGENT: readonly EventType[] = [
  'email.verification_requested',
  'user.registered_again',
  'user.invited',
  'email.sign_in_requested',
  'password.reset_requested',
  'password.reset_sent',
  'email.change_requested',
  'email.change_confirmation_requested',
  'email.changed',
  'email.reverted',
  'user.deleted',
  'user.restored',
  'password.changed',
  'password.disabled',
  'second_factor.added',
  'second_factor.removed',
  'second_factor.disabled',
  'second_factor.removal_requested',
  'second_factor.removal_cancelled',
  'second_factor.code_requested',
  'trusted_device.added',
  'recovery_codes.replaced',
  'recovery_code.used',
  'passkey.added',
  'passkey.removed',
  'identity.linked',
  'identity.unlinked',
  'session.started', // a new device
  'session.impersonated',
  'session.revoked',
  'session.reuse_detected',
  'session.late_repeat',
]

const BULK: readonly EventType[] = ['user.imported', 'user.erased']

export function priorityOf(type: EventType): number {
  if (URGENT.includes(type)) return PRIORITIES.urgent
  return BULK.includes(type) ? PRIORITIES.bulk : PRIORITIES.ordinary
}
