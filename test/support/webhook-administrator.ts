/** An administrator and what they say about webhooks; and what the tables and the audit log say of it. */
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { openSecrets } from '../../src/webhooks/secrets.ts'
import { type Answer, type CallOptions, type Client, createClient, newClient } from './client.ts'
import type { Row, Service } from './service.ts'

export type Webhook = {
  id: string
  url: string
  description: string | null
  events: string[]
  state: 'enabled' | 'disabled'
  disabled_reason: string | null
  failing_since: string | null
  created_at: string
  updated_at: string
}

export type Created = Webhook & { secret: string }

export type Delivery = {
  id: string
  event_id: string
  type: string
  state: string
  attempts: number
  next_attempt_at: string | null
  last_status: number | null
  last_error: string | null
  last_duration_ms: number | null
  dead_reason: string | null
  created_at: string
  settled_at: string | null
}

export type Page<Item> = { data: Item[]; next_cursor: string | null }

/** Where no one listens: what is made here is never delivered. */
export const URL_OF_NOBODY = 'http://127.0.0.1:9/'

export type Administrator = Awaited<ReturnType<typeof newAdministrator>>

/** Of a tenant of their own, or of `tenant`'s; without the endpoint that `client.newAdmin` plants. */
export async function newAdministrator(service: Service, { tenant }: Partial<Client> = {}) {
  const client = tenant ? createClient(service, tenant) : await newClient(service)
  const { email, tokens } = await client.newAdmin()
  await service.sql('delete from webhook_endpoints where id = $1', [tokens.session.id])
  const call = <Body = Record<string, unknown>>(
    method: string,
    path: string,
    json?: unknown,
    options: CallOptions = {},
  ) =>
    client.call<Body>(`/v1/webhooks${path}`, {
      method,
      bearer: tokens.access_token,
      ...(json !== undefined && { json }),
      ...options,
    })
  const create = (json: Row = {}, options: CallOptions = {}): Promise<Answer<Created>> =>
    call<Created>('POST', '', { url: URL_OF_NOBODY, events: ['*'], ...json }, options)
  const newWebhook = async (json: Row = {}): Promise<Created> => {
    const { status, body } = await create(json)
    if (status !== 201) throw new Error(`creating a webhook answered ${status}: ${JSON.stringify(body)}`)
    return body
  }
  return { client, email, tokens, call, create, newWebhook }
}

/** The row of an endpoint as it is stored. */
export async function storedWebhook({ sql }: Service, id: string): Promise<Row> {
  const [row] = await sql('select * from webhook_endpoints where id = $1', [id])
  return row ?? {}
}

/** What a delivery of the endpoint would be signed with, by the keys of the service. */
export async function signingSecrets(service: Service, id: string): Promise<string[]> {
  const row = await storedWebhook(service, id)
  const ctx = { settings: { authKeys: parseKeyring(service.bindings.AUTH_KEYS ?? '') } }
  return openSecrets(
    ctx as never, // of the settings it reads the keyring alone
    {
      id,
      sealedSecret: String(row.sealed_secret),
      sealedPreviousSecret: row.sealed_previous_secret as string | null, // the column is nullable
    },
  )
}

type Audited = { type: string; actor: string | null; subject: string | null; data: Row }

/** The audit log of the tenant, as far as it is about webhooks, oldest first. */
export async function auditOfWebhooks(service: Service, { tenant }: Client): Promise<Audited[]> {
  await service.consume()
  return service.sql<Audited>(
    `select type, actor, subject, data from audit_events where tenant_id = $1 and type like 'webhook.%' order by sequence`,
    [tenant.id],
  )
}

let planted = 0

/** A delivery in the state that `columns` says, each a minute younger than the one before. @returns its id */
export async function plantDelivery(
  { sql }: Service,
  endpointId: string,
  columns: Row = {},
): Promise<string> {
  planted += 1
  const row: Row = {
    event_id: crypto.randomUUID(),
    type: 'user.updated',
    payload: `{"n":${planted},  "kept": "byte for byte"}`,
    state: 'dead',
    attempts: 8,
    last_status: 500,
    last_error: 'status',
    last_duration_ms: 12,
    created_at: new Date(Date.UTC(2026, 0, 1, 0, planted)).toISOString(),
    ...columns,
  }
  const names = Object.keys(row)
  const id = `0199bbbb-0000-7000-8000-${String(planted).padStart(12, '0')}`
  await sql(
    `insert into webhook_deliveries (id, tenant_id, endpoint_id, settled_at, ${names.join(', ')})
     select $1, tenant_id, id, case when $3 = 'pending' then null else now() end,
       ${names.map((_, index) => `$${index + 4}`).join(', ')}
     from webhook_endpoints where id = $2`,
    [id, endpointId, row.state, ...Object.values(row)],
  )
  return id
}

export async function storedDelivery({ sql }: Service, id: string): Promise<Row> {
  const [row] = await sql('select * from webhook_deliveries where id = $1', [id])
  return row ?? {}
}
