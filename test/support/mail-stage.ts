/** A service that sends its mail to a provider which the test holds in its hands. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type Client, newClient } from './client.ts'
import { API_KEY, MAIL_FROM, type Provider, startProvider } from './mail-provider.ts'
import { type Service, startService } from './service.ts'

export type MailRow = {
  event_id: string
  user_id: string
  template: string
  state: string
  attempts: number
  reason: string | null
  waits: boolean
}

export type Stage = { service: Service; provider: Provider }

export function useMailStage(more: Record<string, string> = {}): () => Stage {
  let stage: Stage | undefined
  beforeAll(async () => {
    const provider = await startProvider()
    const bindings = {
      MAIL_TRANSPORT: 'resend',
      MAIL_FROM,
      MAIL_URL: provider.url,
      RESEND_API_KEY: API_KEY,
      ...more,
    }
    stage = { provider, service: await startService({ bindings }) }
  })
  // What one test left undone is not the next one's.
  afterEach(async () => {
    await stage?.service.sql(`delete from mails where state = 'pending'`)
    await stage?.service.sql(`update events set dispatched_at = now() where dispatched_at is null`)
    for (const gate of Object.values(stage?.service.gates ?? {})) gate.set('open')
    stage?.provider.reset()
  })
  afterAll(async () => {
    await stage?.service.stop()
    await stage?.provider.stop()
  })
  return () => {
    if (!stage) throw new Error('the stage is not set yet')
    return stage
  }
}

export type Person = { client: Client; id: string; email: string }

export async function newPerson({ service }: Stage, client?: Client): Promise<Person> {
  const their = client ?? (await newClient(service))
  const { email, tokens } = await their.signUp()
  await service.sql('update events set dispatched_at = now() where dispatched_at is null')
  return { client: their, id: tokens.user.id, email }
}

/** Someone who administers the tenant, one of its own unless given. */
export async function newAdmin(stage: Stage, client?: Client): Promise<Person> {
  const admin = await newPerson(stage, client)
  await stage.service.sql(`update users set roles = '{admin}' where id = $1`, [admin.id])
  return admin
}

export async function newEndpoint(
  { service }: Stage,
  { client }: Person,
  url = 'https://hooks.example.net/in',
) {
  const id = randomUUID()
  await service.sql(
    `insert into webhook_endpoints (id, tenant_id, url, events, sealed_secret) values ($1, $2, $3, '{}', 'x')`,
    [id, client.tenant.id, url],
  )
  return id
}

/** An event in the outbox, as a statement of ours would have recorded it. @returns its id */
export async function record(
  { service }: Stage,
  { client: { tenant } }: Pick<Person, 'client'>,
  type: string,
  { subject = null, data = {}, from = {} }: { subject?: string | null; data?: object; from?: object } = {},
): Promise<string> {
  const id = randomUUID()
  await service.sql(
    `insert into events (id, tenant_id, type, subject, data, client) values ($1, $2, $3, $4, $5, $6)`,
    [id, tenant.id, type, subject, data, from],
  )
  return id
}

export const reuse = (stage: Stage, person: Person, rest: { from?: object } = {}) =>
  record(stage, person, 'session.reuse_detected', {
    subject: person.id,
    data: { session_id: randomUUID() },
    ...rest,
  })

export const mailsOf = ({ service }: Stage, eventId: string) =>
  service.sql<MailRow>(
    `select event_id, user_id, template, state, attempts, reason, next_attempt_at > now() as waits
     from mails where event_id = $1 order by user_id`,
    [eventId],
  )

/** The minute's cron: what is due is sent. */
export const nextMinute = ({ service }: Stage) => service.runCron('* * * * *')

/** As if the time of the next attempt had come. */
export const makeDue = ({ service }: Stage) =>
  service.sql(`update mails set next_attempt_at = now(), claimed_until = null where state = 'pending'`)
