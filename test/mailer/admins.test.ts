/** What the administrators of a tenant are told about its webhooks. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  mailsOf,
  makeDue,
  newAdmin,
  newEndpoint,
  newPerson,
  nextMinute,
  record,
  reuse,
  useMailStage,
} from '../support/mail-stage.ts'

const stage = useMailStage()

const consume = () => stage().service.consume()

async function newDeadDelivery(admin: Awaited<ReturnType<typeof newAdmin>>, endpointId: string) {
  const data = { endpoint_id: endpointId, delivery_id: randomUUID(), event_id: randomUUID() }
  return record(stage(), admin, 'webhook.delivery_dead', { data })
}

test('every administrator is told of a delivery that is dead, and no one else', async () => {
  const { service, provider } = stage()
  const admin = await newAdmin(stage())
  const { client } = admin
  const second = await newAdmin(stage(), client)
  const disabled = await newAdmin(stage(), client)
  await service.sql(`update users set status = 'disabled' where id = $1`, [disabled.id])
  await newPerson(stage(), client)
  await newAdmin(stage()) // of another tenant
  const endpoint = await newEndpoint(stage(), admin, 'https://hooks.example.net/services/T000/SECRETPATH')
  const id = await newDeadDelivery(admin, endpoint)
  await consume()
  expect(
    provider
      .sent()
      .map(({ to }) => to)
      .toSorted(),
  ).toEqual([admin.email, second.email].toSorted())
  expect((await mailsOf(stage(), id)).map(({ state }) => state)).toEqual(['sent', 'sent'])
  const [mail] = provider.sent(admin.email)
  for (const part of [mail?.text, mail?.html]) {
    expect(part).toContain('hooks. example. net')
    expect(part).not.toContain('SECRETPATH')
  }
})

test('an endpoint that loses thousands is told of once a day', async () => {
  const { service, provider } = stage()
  const admin = await newAdmin(stage())
  const endpoint = await newEndpoint(stage(), admin)
  const other = await newEndpoint(stage(), admin)
  const ids = [await newDeadDelivery(admin, endpoint), await newDeadDelivery(admin, endpoint)]
  await newDeadDelivery(admin, other)
  await consume()
  expect(provider.sent(admin.email)).toHaveLength(2)
  const states = (await Promise.all(ids.map((id) => mailsOf(stage(), id)))).flat()
  expect(states.map(({ state, reason }) => `${state} ${reason}`).toSorted()).toEqual([
    'dropped superseded',
    'sent null',
  ])
  await service.sql(`update mails set settled_at = settled_at - interval '25 hours' where user_id = $1`, [
    admin.id,
  ])
  await newDeadDelivery(admin, endpoint)
  await consume()
  expect(provider.sent(admin.email)).toHaveLength(3)
})

describe('is dropped when it is no longer so', () => {
  const cases: [title: string, reason: string, type: string, change: string][] = [
    [
      'the endpoint was deleted',
      'superseded',
      'webhook.delivery_dead',
      'delete from webhook_endpoints where id = $1',
    ],
    [
      'the endpoint was deleted after it was disabled',
      'superseded',
      'webhook.disabled',
      'delete from webhook_endpoints where id = $1',
    ],
    [
      'the endpoint was enabled again',
      'superseded',
      'webhook.disabled',
      `update webhook_endpoints set state = 'enabled' where id = $1`,
    ],
    [
      'the recipient is no administrator any more',
      'no_recipient',
      'webhook.disabled',
      `update users set roles = '{}' where tenant_id = (select tenant_id from webhook_endpoints where id = $1)`,
    ],
  ]
  test.each(cases)('%s', async (_, reason, type, change) => {
    const { service, provider } = stage()
    const admin = await newAdmin(stage())
    const endpoint = await newEndpoint(stage(), admin)
    await service.sql(`update webhook_endpoints set state = 'disabled' where id = $1`, [endpoint])
    provider.set('down')
    const id = await record(stage(), admin, type, { data: { endpoint_id: endpoint, reason: 'gone' } })
    await consume()
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'pending' }])
    provider.reset()
    await service.sql(change, [endpoint])
    await makeDue(stage())
    await nextMinute(stage())
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'dropped', reason }])
    expect(provider.calls()).toEqual([])
  })
})

test('an endpoint that answered 410 is told of while it is disabled', async () => {
  const { service, provider } = stage()
  const admin = await newAdmin(stage())
  await service.sql(`update users set locale = 'de-AT' where id = $1`, [admin.id])
  const endpoint = await newEndpoint(stage(), admin)
  await service.sql(`update webhook_endpoints set state = 'disabled' where id = $1`, [endpoint])
  await record(stage(), admin, 'webhook.disabled', { data: { endpoint_id: endpoint, reason: 'gone' } })
  await consume()
  expect(provider.sent(admin.email)).toMatchObject([
    { subject: `Webhook-Endpunkt von ${admin.client.tenant.name} deaktiviert` },
  ])
})

test('piles 12: an endpoint that has only failed for days is told of once it is disabled', async () => {
  const { service, provider } = stage()
  const admin = await newAdmin(stage())
  const endpoint = await newEndpoint(stage(), admin)
  await service.sql(`update webhook_endpoints set state = 'disabled' where id = $1`, [endpoint])
  await record(stage(), admin, 'webhook.disabled', { data: { endpoint_id: endpoint, reason: 'failing' } })
  await consume()
  const [mail, ...more] = provider.sent(admin.email)
  expect(more).toEqual([])
  expect(mail?.subject).toBe(`Webhook endpoint of ${admin.client.tenant.name} disabled`)
  expect(mail?.text.replaceAll(/\s+/g, ' ')).toContain('every delivery of the last five days failed')
})

test('piles 12: deliveries that grew too old are told of once a day for each endpoint', async () => {
  const { provider } = stage()
  const admin = await newAdmin(stage())
  const endpoint = await newEndpoint(stage(), admin)
  const expire = () =>
    record(stage(), admin, 'webhook.deliveries_expired', {
      data: { endpoint_id: endpoint, deliveries: 1000 },
    })
  const [first] = [await expire(), await expire()]
  await consume()
  expect(provider.sent(admin.email)).toHaveLength(1)
  await newDeadDelivery(admin, endpoint)
  await consume()
  expect(provider.sent(admin.email), 'nor of one that is dead besides').toHaveLength(1)
  expect((await mailsOf(stage(), first)).length).toBe(1)
})

test('piles 12: an endpoint that is being deleted is told of no more', async () => {
  const { service, provider } = stage()
  const admin = await newAdmin(stage())
  const endpoint = await newEndpoint(stage(), admin)
  await service.sql(`update webhook_endpoints set state = 'disabled', deleted_at = now() where id = $1`, [
    endpoint,
  ])
  await newDeadDelivery(admin, endpoint)
  await record(stage(), admin, 'webhook.disabled', { data: { endpoint_id: endpoint, reason: 'gone' } })
  await consume()
  expect(provider.sent(admin.email)).toEqual([])
})

describe('mail that is not about security', () => {
  const mute = async ({ client, email }: Awaited<ReturnType<typeof newAdmin>>, isWanted = false) => {
    const { access_token: bearer } = await client.signIn(email)
    const json = { operational_mail: isWanted }
    expect(await client.call('/v1/me', { method: 'PATCH', bearer, json })).toMatchObject({
      status: 200,
      body: json,
    })
  }
  const disabled = async (admin: Awaited<ReturnType<typeof newAdmin>>) => {
    const endpoint = await newEndpoint(stage(), admin)
    await stage().service.sql(`update webhook_endpoints set state = 'disabled' where id = $1`, [endpoint])
    return record(stage(), admin, 'webhook.disabled', { data: { endpoint_id: endpoint, reason: 'gone' } })
  }

  test('says how to turn it off, and is not sent to who has, until they turn it on again', async () => {
    const { provider } = stage()
    const admin = await newAdmin(stage())
    const other = await newAdmin(stage(), admin.client)
    await disabled(admin)
    await consume()
    const [mail] = provider.sent(admin.email)
    for (const part of [mail?.text, mail?.html]) expect(part).toContain('operational_mail')
    await mute(admin)
    const id = await disabled(admin)
    await consume()
    expect((await mailsOf(stage(), id)).map(({ user_id }) => user_id)).toEqual([other.id])
    expect(provider.sent(admin.email)).toHaveLength(1)
    expect(provider.sent(other.email)).toHaveLength(2)
    await mute(admin, true)
    await disabled(admin)
    await consume()
    expect(provider.sent(admin.email)).toHaveLength(2)
  })

  test('is not sent to who turned it off while it waited; what is about security still is', async () => {
    const { provider } = stage()
    const admin = await newAdmin(stage())
    provider.set('down')
    const id = await disabled(admin)
    await consume()
    provider.reset()
    await mute(admin)
    await reuse(stage(), admin)
    await makeDue(stage())
    await consume()
    expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'dropped', reason: 'no_recipient' }])
    expect(provider.sent().map(({ subject }) => subject)).toEqual([
      `We ended one of your sessions at ${admin.client.tenant.name}`,
    ])
    expect(provider.sent()[0]?.text).not.toContain('operational_mail')
  })
})

test('an endpoint of another tenant is none', async () => {
  const admin = await newAdmin(stage())
  const stranger = await newAdmin(stage())
  const endpoint = await newEndpoint(stage(), stranger)
  const id = await newDeadDelivery(admin, endpoint)
  await consume()
  expect(await mailsOf(stage(), id)).toMatchObject([{ state: 'dropped', reason: 'superseded' }])
})
