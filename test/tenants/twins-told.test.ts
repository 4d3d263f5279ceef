/** Two tenants with the same person: who is told of what happened in one (by mail, webhook, audit log, cursor) is told nothing in the other. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newOffice, type Office } from '../support/administration.ts'
import { newEmail, PASSWORD } from '../support/client.ts'
import { nextMinute, useMailStage } from '../support/mail-stage.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'

const stage = useMailStage({ LIMITS_MULTIPLIER: '1000' })

let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.stop())

type Page = { data: { id: string }[]; next_cursor: string | null }

/** An office with an endpoint that is told of everything, and a person of the address. */
async function newTown(email: string, path: string) {
  const office = await newOffice(stage().service)
  const made = await office.client.call<{ id: string }>('/v1/webhooks', {
    bearer: office.tokens.access_token,
    json: { url: receiver.url(path), events: ['*'] },
  })
  expect(made.status).toBe(201)
  const { body: tokens } = await office.client.register(email)
  return { ...office, person: tokens, endpoint: made.body.id }
}

const auditOf = async (office: Office, query = '') =>
  (await office.read(`/v1/admin/audit-events${query}`)).body as unknown as Page

/** Mail, audit log and webhooks have had what happened. */
async function settle(...towns: { endpoint: string }[]) {
  await stage().service.consume()
  const messages = towns.map(({ endpoint }) => ({ endpoint_id: endpoint }))
  await stage().service.queue('latchkey-deliveries', messages)
  await nextMinute(stage())
  await nextMinute(stage())
}

test('K05: what happens to a person of one tenant is told there alone', async () => {
  const { provider } = stage()
  const email = newEmail()
  const here = await newTown(email, '/here')
  const there = await newTown(email, '/there')
  await settle(here, there)
  const before = { hits: receiver.hits('/there').length, audit: await auditOf(there) }
  provider.reset()

  const { client, person } = here
  await client.login(email, 'not the password')
  await client.login(email)
  await client.call('/v1/password/forgot', { json: { email } })
  await client.call('/v1/password/change', {
    bearer: person.access_token,
    json: { current_password: PASSWORD, new_password: 'another battery staple' },
  })
  await here.act('disable', person.user.id, { reason: 'test' })
  await settle(here, there)

  const told = receiver.hits('/here').map(({ body }) => body)
  expect(told.length).toBeGreaterThan(1)
  expect(receiver.hits('/there')).toHaveLength(before.hits)
  expect(told.join(' ')).not.toContain(there.client.tenant.id)
  expect((await auditOf(here)).data.length).toBeGreaterThan(3)
  expect((await auditOf(there)).data).toEqual(before.audit.data)

  const mails = provider.sent(email)
  expect(mails.length).toBeGreaterThan(0)
  for (const { text, html, subject } of mails) {
    expect(`${text}${html}`).toContain(here.client.tenant.origin)
    expect(`${text}${html}${subject}`).not.toContain(there.client.tenant.host)
    expect(`${text}${html}${subject}`).not.toContain(there.client.tenant.name)
  }
  expect((await there.client.login(email)).status, 'the twin signs in as before').toBe(200)
})

test('K05: no cursor of a list of one tenant is one of the other', async () => {
  const email = newEmail()
  const here = await newTown(email, '/here-2')
  const there = await newTown(email, '/there-2')
  await settle(here, there)
  const lists = ['/v1/admin/users', '/v1/admin/audit-events', '/v1/webhooks', '/v1/sessions', '/v1/api-keys']
  for (const office of [here, there]) {
    const json = { url: receiver.url('/more'), events: ['*'] }
    await office.client.call('/v1/webhooks', { bearer: office.tokens.access_token, json })
    await office.client.signIn(office.tokens.user.email)
    for (const name of ['one', 'two'])
      await office.client.call('/v1/api-keys', {
        bearer: office.tokens.access_token,
        json: { name, scopes: ['orders:read'] },
      })
  }
  for (const list of lists) {
    const { next_cursor: cursor } = (await there.read(`${list}?limit=1`)).body as unknown as Page
    expect(cursor, list).not.toBeNull()
    const query = new URLSearchParams({ limit: '1', cursor: cursor ?? '' })
    expect((await here.read(`${list}?${query}`)).status, list).toBe(422)
    expect((await there.read(`${list}?${query}`)).status, list).toBe(200)
  }
})
