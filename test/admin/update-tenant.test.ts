/** What an administrator changes of the tenant: the part that is theirs, within its bounds. */
import { describe, expect, test } from 'vitest'
import { newOffice, type Office } from '../support/administration.ts'
import { countBy, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, {
  method: 'PATCH',
  path: '/v1/admin/tenant',
  allow: 'GET, HEAD, PATCH',
  caller: 'admin',
  json: { name: 'Acme' },
  optional: ['settings', 'reason'],
})

const change = ({ client, tokens }: Office, json: unknown) =>
  client.call('/v1/admin/tenant', { method: 'PATCH', bearer: tokens.access_token, json })

const storedOf = async ({ client }: Office) =>
  (
    await service().sql('select name, issuer, allowed_origins, settings from tenants where id = $1', [
      client.tenant.id,
    ])
  )[0]

describe('accepts', () => {
  test('admin 5: a name and settings, which count at once, and the event says which', async () => {
    const office = await newOffice(service())
    const json = { name: 'Acme', settings: { max_sessions: 3, locale: 'de' }, reason: 'a new policy' }
    const answer = await change(office, json)
    expect(answer).toMatchObject({ status: 200, trips: { postgres: 1, redis: 1 } })
    expect(answer.body).toMatchObject({
      name: 'Acme',
      settings: { max_sessions: { value: 3, default: 100 }, locale: { value: 'de' } },
    })
    expect((await office.read('/v1/admin/tenant')).body).toEqual(answer.body)
    const [event] = await service().sql(
      `select actor, data from events where tenant_id = $1 and type = 'tenant.updated'`,
      [office.client.tenant.id],
    )
    expect(event).toEqual({
      actor: office.tokens.user.id,
      data: { fields: ['name', 'locale', 'max_sessions'], reason: 'a new policy' },
    })
  })

  test('null is the default again; what is not named stays', async () => {
    const office = await newOffice(service())
    await change(office, { settings: { max_sessions: 3, erasure_days: 10 } })
    const { body } = await change(office, { settings: { max_sessions: null } })
    expect(body).toMatchObject({ settings: { max_sessions: { value: 100 }, erasure_days: { value: 10 } } })
    expect((await storedOf(office))?.settings).not.toHaveProperty('max_sessions')
  })
})

describe('refuses', () => {
  test.each<[unknown, Record<string, string>]>([
    [{}, { '': 'missing' }],
    [{ settings: {}, reason: 'none' }, { '': 'missing' }],
    [{ name: '' }, { '/name': 'invalid_characters' }],
    [{ name: 'a\nb' }, { '/name': 'invalid_characters' }],
    [{ settings: { max_sessions: 0 } }, { '/settings/max_sessions': 'out_of_range' }],
    [{ settings: { max_sessions: 1.5 } }, { '/settings/max_sessions': 'out_of_range' }],
    [{ settings: { max_sessions: '7' } }, { '/settings/max_sessions': 'wrong_type' }],
    [{ settings: { registration: 'open' } }, { '/settings/registration': 'not_allowed' }],
    [{ settings: { no_such: 1 } }, { '/settings/no_such': 'unknown_field' }],
    [
      { settings: { session_idle_seconds: 7200, session_absolute_seconds: 3600 } },
      { '/settings/session_idle_seconds': 'too_long' },
    ],
    [{ issuer: 'https://evil.test' }, { '/issuer': 'unknown_field' }],
    [{ hosts: ['evil.test'] }, { '/hosts': 'unknown_field' }],
    [{ allowed_origins: ['https://evil.test'] }, { '/allowed_origins': 'unknown_field' }],
    [{ slug: 'other' }, { '/slug': 'unknown_field' }],
  ])('%j, and changes nothing', async (json, fields) => {
    const office = await newOffice(service())
    const before = await storedOf(office)
    expectInvalidInput(await change(office, json), fields)
    expect(await storedOf(office)).toEqual(before)
  })
})

describe('attacks', () => {
  test.each(['audience', 'passkey_rp_id', 'passkey_origins', 'password_max_bytes'])(
    'K03: the setting %s is the operator’s',
    async (name) => {
      const office = await newOffice(service())
      expectInvalidInput(await change(office, { settings: { [name]: null } }), {
        [`/settings/${name}`]: 'unknown_field',
      })
    },
  )

  test('of many changes at the same time none undoes another, and no two of them conflict', async () => {
    const office = await newOffice(service())
    const settings = { max_sessions: 7, erasure_days: 7, password_min_length: 15, locale: 'de' }
    const each = Object.entries(settings).map(([name, value]) => ({ settings: { [name]: value } }))
    const answers = await race(20, (index) => change(office, each[index % each.length]))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 20 })
    expect((await storedOf(office))?.settings).toMatchObject(settings)
    const opposed = [{ session_idle_seconds: 7200 }, { session_absolute_seconds: 3600 }]
    const raced = await race(20, (index) => change(office, { settings: opposed[index % 2] }))
    for (const answer of raced.filter(({ status }) => status !== 200))
      expectInvalidInput(answer, { '/settings/session_idle_seconds': 'too_long' })
    const { body } = await office.read('/v1/admin/tenant')
    const { session_idle_seconds: idle, session_absolute_seconds: absolute } = body.settings as Record<
      string,
      { value: number }
    >
    expect(idle?.value).toBeLessThanOrEqual(absolute?.value ?? 0)
  })

  test('K05: only the tenant of the host is changed', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const before = await storedOf(theirs)
    await change(mine, { name: 'Acme', settings: { max_sessions: 3 } })
    expect(await storedOf(theirs)).toEqual(before)
  })
})
