/** A tenant with an administrator, who acts on the accounts of others. */
import { type Answer, type Client, createClient, newClient, type Tokens } from './client.ts'
import type { PlantedAccount, Planting } from './planted-accounts.ts'
import type { Row, Service, TenantOptions } from './service.ts'

export type Office = {
  client: Client
  tokens: Tokens
  /** As the administrator, on an account of the tenant. */
  act(verb: string, id: string, json?: unknown): Promise<Answer>
  read(path: string): Promise<Answer>
  plant(planting?: Planting): Promise<PlantedAccount>
}

export async function newOffice(service: Service, options?: TenantOptions): Promise<Office> {
  const client = await newClient(service, options)
  const { tokens } = await client.newAdmin()
  return officeOf(client, tokens)
}

/** A further administrator of the tenant. */
export async function colleagueOf(service: Service, { client: { tenant } }: Office): Promise<Office> {
  const client = createClient(service, tenant)
  const { tokens } = await client.newAdmin()
  return officeOf(client, tokens)
}

async function officeOf(client: Client, tokens: Tokens): Promise<Office> {
  const bearer = tokens.access_token
  await client.me(bearer) // leaves at the edge what verifies a token, as a sign-in does: a write is one trip then
  return {
    client,
    tokens,
    act: (verb, id, json) =>
      client.call(`/v1/admin/users/${id}/${verb}`, {
        method: 'POST',
        bearer,
        ...(json !== undefined && { json }),
      }),
    read: (path) => client.call(path, { bearer }),
    plant: client.plantedAccount,
  }
}

/** The events of one account, oldest first. */
export const eventsAbout = (
  { sql }: Pick<Service, 'sql'>,
  subject: string,
): Promise<(Row & { type: string; actor: string | null; data: Row })[]> =>
  sql('select type, actor, data from events where subject = $1 order by id', [subject])
