/** Telling of keys that end soon: whom, when, once, and not of what no longer ends. */
import { describe, expect, test } from 'vitest'
import { race } from '../support/client.ts'
import { newAdmin, newPerson, useMailStage } from '../support/mail-stage.ts'
import { plantApiKey } from '../support/planted-api-keys.ts'

const stage = useMailStage()

type Life = { made?: string; ends: string }

async function newKey(tenant: Parameters<typeof plantApiKey>[1], userId: string | null, life: Life) {
  const { id } = await plantApiKey(stage().service, tenant, userId)
  await stage().service.sql(
    `update api_keys set name = 'Nightly backup', created_at = now() - $2::interval, expires_at = now() + $3::interval where id = $1`,
    [id, life.made ?? '90 days', life.ends],
  )
  return id
}

/** What the cron of an hour does, and the queue after it. */
async function hour() {
  await stage().service.runCron('17 * * * *')
  await stage().service.consume()
}

const sentTo = () =>
  stage()
    .provider.sent()
    .map(({ to }) => to)
    .toSorted()

describe('administration 1: a reminder of a key that ends', () => {
  test('goes to its owner, once, and says which and until when', async () => {
    const person = await newPerson(stage())
    await newAdmin(stage(), person.client)
    const id = await newKey(person.client.tenant, person.id, { ends: '6 days' })
    await hour()
    await hour()
    expect(sentTo()).toEqual([person.email])
    const [mail] = stage().provider.sent(person.email)
    expect(mail?.subject).toContain('expires soon')
    expect(mail?.text).toMatch(/API key: Nightly backup\nExpires: .* UTC/)
    const events = await stage().service.sql(
      `select subject, actor, data ->> 'owner' as owner from events where type = 'api_key.expiring' and data ->> 'api_key_id' = $1`,
      [id],
    )
    expect(events).toEqual([{ subject: person.id, actor: null, owner: 'user' }])
  })

  test("goes to the administrators where it is the tenant's", async () => {
    const admin = await newAdmin(stage())
    const second = await newAdmin(stage(), admin.client)
    await newPerson(stage(), admin.client)
    await newAdmin(stage())
    await newKey(admin.client.tenant, null, { ends: '1 day' })
    await hour()
    expect(sentTo()).toEqual([admin.email, second.email].toSorted())
  })

  test.each<[string, Life]>([
    ['ends later', { ends: '8 days' }],
    ['has ended', { ends: '-1 second' }],
    ['was made for a short time, most of which is left', { made: '1 hour', ends: '3 days' }],
  ])('is not sent of one that %s', async (_, life) => {
    const person = await newPerson(stage())
    await newKey(person.client.tenant, person.id, life)
    await hour()
    expect(sentTo()).toEqual([])
  })

  test('is not sent of one that was revoked, also where that was after the event', async () => {
    const person = await newPerson(stage())
    const ids = await Promise.all(
      [1, 2].map(() => newKey(person.client.tenant, person.id, { ends: '1 day' })),
    )
    const revoke = (id?: string) =>
      stage().service.sql('update api_keys set revoked_at = now() where id = $1', [id])
    await revoke(ids[0])
    await stage().service.runCron('17 * * * *')
    await revoke(ids[1])
    await stage().service.consume()
    expect(sentTo()).toEqual([])
  })

  test('is one, however many runs there are at once', async () => {
    const person = await newPerson(stage())
    await Promise.all(
      Array.from({ length: 20 }, () => newKey(person.client.tenant, person.id, { ends: '1 day' })),
    )
    await race(5, () => stage().service.runCron('17 * * * *'))
    const rows = await stage().service.sql(
      `select data ->> 'api_key_id' as id, count(*)::int as times from events
       where type = 'api_key.expiring' and subject = $1 group by 1`,
      [person.id],
    )
    expect(rows.map(({ times }) => times)).toEqual(Array.from({ length: 20 }, () => 1))
  })
})
