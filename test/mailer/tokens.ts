/** One-time tokens as the operations issue them: the row, the event that names it, and what its mail must say. */
import { randomUUID } from 'node:crypto'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { MAILS } from '../../src/mailer/mails.ts'
import { hashOneTimeToken, oneTimeToken, signInCode } from '../../src/one-time/one-time-token.ts'
import { type OneTimePurpose, PURPOSES } from '../../src/one-time/purposes.ts'
import { type Person, record, type Stage } from '../support/mail-stage.ts'

export type Issued = { eventId: string; tokenId: string; url: string; code: string }

/** The event of each purpose: what a person asks for themselves is before what an administrator sends. */
export const EVENT_OF = Object.fromEntries(
  Object.entries(MAILS)
    .toReversed()
    .flatMap(([type, { link }]) => (link ? [[link, type]] : [])),
) as Record<OneTimePurpose, string> // Object.fromEntries forgets the keys

export const PURPOSE_NAMES = Object.keys(PURPOSES) as OneTimePurpose[] // Object.keys does too

type Options = {
  /** The address that it proves; the account's own unless given. */
  subject?: string
  /** Named by the row; a key of the ring unless given. */
  keyId?: string
  hasCode?: boolean
  from?: object
}

/** A token that is about to be mailed. The account is closed for one that restores it, as it would be. */
export async function issue(
  stage: Stage,
  person: Person,
  purpose: OneTimePurpose,
  { subject = person.email, keyId = 'k1', hasCode = purpose === 'sign_in', from }: Options = {},
): Promise<Issued> {
  const { service } = stage
  const keyring = parseKeyring(service.bindings.AUTH_KEYS ?? '')
  const { tenant } = person.client
  const tokenId = randomUUID()
  const token = await oneTimeToken(keyring, purpose, tokenId)
  if (purpose === 'restore_account')
    await service.sql('update users set deleted_at = now() where id = $1', [person.id])
  await service.sql(
    `insert into one_time_tokens (id, tenant_id, user_id, purpose, holder, subject, hash, key_id, code_hash, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + interval '10 minutes')
     on conflict (tenant_id, purpose, holder) do update set id = excluded.id, hash = excluded.hash, subject = excluded.subject`,
    [
      tokenId,
      tenant.id,
      person.id,
      purpose,
      person.id,
      subject,
      Buffer.from(await hashOneTimeToken(token)),
      keyId,
      hasCode ? Buffer.alloc(32) : null,
    ],
  )
  const eventId = await record(stage, person, EVENT_OF[purpose], {
    subject: person.id,
    data: { token_id: tokenId },
    ...(from && { from }),
  })
  const url = `${tenant.origin}${PURPOSES[purpose].path}?token=${token}`
  return { eventId, tokenId, url, code: await signInCode(keyring, tokenId) }
}
