import { randomUUID } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { countBy, newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import {
  auditOfWebhooks,
  newAdministrator,
  signingSecrets,
  storedWebhook,
  URL_OF_NOBODY,
} from '../support/webhook-administrator.ts'

const service = useLentService()

everyRoute(service, {
  method: 'POST',
  path: '/v1/webhooks',
  allow: 'GET, HEAD, POST',
  caller: 'admin',
  json: { url: URL_OF_NOBODY, events: ['user.registered'] },
})

async function countWebhooks(tenantId: string): Promise<number> {
  const [row] = await service().sql<{ count: number }>(
    'select count(*)::int from webhook_endpoints where tenant_id = $1',
    [tenantId],
  )
  return row?.count ?? 0
}

/** Endpoints that no one asked for. @returns one of them */
async function fill(tenantId: string, count: number): Promise<{ id: string }> {
  const [row] = await service().sql<{ id: string }>(
    `insert into webhook_endpoints (id, tenant_id, url, events, sealed_secret)
     select gen_random_uuid(), $1, $2, '{*}', 'k1.AAAA.AAAA' from generate_series(1, $3) returning id`,
    [tenantId, URL_OF_NOBODY, count],
  )
  if (!row) throw new Error('nothing was filled in')
  return row
}

describe('accepts', () => {
  test('makes an endpoint and shows its secret', async () => {
    const { client, tokens, call, create } = await newAdministrator(service())
    const answer = await create({ events: ['user.registered', 'session.started'], description: ' CRM ' })
    expect(answer.status).toBe(201)
    expectCommonHeaders(answer)
    const { secret, ...endpoint } = answer.body
    expect(endpoint).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      url: URL_OF_NOBODY,
      description: 'CRM',
      events: ['user.registered', 'session.started'],
      state: 'enabled',
      disabled_reason: null,
      failing_since: null,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      updated_at: endpoint.created_at,
    })
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect((await call('GET', `/${endpoint.id}`)).body).toEqual(endpoint)
    expect(await auditOfWebhooks(service(), client)).toEqual([
      { type: 'webhook.created', actor: tokens.user.id, subject: null, data: { endpoint_id: endpoint.id } },
    ])
  })

  test('keeps the URL as it will be called, and each type once', async () => {
    const { create } = await newAdministrator(service())
    const { body } = await create({
      url: 'HTTP://127.0.0.1:9/a/../b?c=%20',
      events: ['user.updated', 'user.updated'],
    })
    expect(body).toMatchObject({ url: 'http://127.0.0.1:9/b?c=%20', events: ['user.updated'] })
  })

  test('two endpoints never have the same secret', async () => {
    const { newWebhook } = await newAdministrator(service())
    expect((await newWebhook()).secret).not.toBe((await newWebhook()).secret)
  })
})

describe('Idempotency-Key', () => {
  const withKey = (key: string) => ({ headers: { 'idempotency-key': key } })

  test('gives the first answer again, secret and all, and makes nothing', async () => {
    const { client, create } = await newAdministrator(service())
    const key = withKey(randomUUID())
    const first = await create({}, key)
    const again = await create({}, key)
    expect(again).toMatchObject({ status: 201, body: first.body })
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(await countWebhooks(client.tenant.id)).toBe(1)
    expect(await auditOfWebhooks(service(), client)).toHaveLength(1)
  })

  test('with another body is refused', async () => {
    const { client, create } = await newAdministrator(service())
    const key = withKey(randomUUID())
    await create({}, key)
    for (const other of [{ url: `${URL_OF_NOBODY}2` }, { events: ['user.updated'] }, { description: 'x' }])
      expectProblem(await create(other, key), 'idempotency_key_reused')
    expect(await countWebhooks(client.tenant.id)).toBe(1)
  })

  test('ten at once make one endpoint: the others get its answer, or 409', async () => {
    const { client, create } = await newAdministrator(service())
    const key = withKey(randomUUID())
    const answers = await race(10, () => create({}, key))
    const made = answers.filter(({ status }) => status === 201)
    expect(new Set(made.map(({ body }) => body.secret)).size).toBe(1)
    for (const answer of answers.filter(({ status }) => status !== 201))
      expectProblem(answer, 'idempotency_key_in_use')
    expect(await countWebhooks(client.tenant.id)).toBe(1)
  })

  test('is each administrator’s own, and worth nothing once the role is gone', async () => {
    const one = await newAdministrator(service())
    const other = await newAdministrator(service(), one.client)
    const key = withKey(randomUUID())
    const first = await one.create({}, key)
    const second = await other.create({}, key)
    expect(second.status).toBe(201)
    expect(second.body.secret).not.toBe(first.body.secret)
    await service().sql("update users set roles = '{}' where id = $1", [one.tokens.user.id])
    expectProblem(await one.create({}, key), 'insufficient_role')
  })

  test('is not used up by a caller who may not create, nor by a refusal', async () => {
    const { client, tokens, call, create } = await newAdministrator(service())
    const key = withKey(randomUUID())
    await service().sql("update users set roles = '{}' where id = $1", [tokens.user.id])
    expectProblem(await create({}, key), 'insufficient_role')
    await service().sql("update users set roles = '{admin}' where id = $1", [tokens.user.id])
    expectProblem(await create({ url: 'https://user:pass@example.net/' }, key), 'webhook_target_refused')
    expectProblem(await create({ url: `http://${client.tenant.host}/` }, key), 'webhook_target_refused')
    const { id } = await fill(client.tenant.id, 20)
    expectProblem(await create({}, key), 'too_many_webhooks')
    await call('DELETE', `/${id}`)
    expect((await create({}, key)).status).toBe(201)
    expect(await countWebhooks(client.tenant.id)).toBe(20)
  })

  test('must be one that others cannot hit upon', async () => {
    const { create } = await newAdministrator(service())
    expectProblem(await create({}, withKey('short')), 'invalid_request')
  })
})

describe('refuses', () => {
  test.each([
    ['no types', [], { '/events': 'too_short' }],
    ['a type that there is not', ['user.registered', 'user.exploded'], { '/events/1': 'not_allowed' }],
    ['a type that webhooks may not have', ['session.refused'], { '/events/0': 'not_allowed' }],
    ['a pattern', ['user.*'], { '/events/0': 'not_allowed' }],
    ['everything and something', ['*', 'user.updated'], { '/events': 'all_or_some' }],
  ])('%s', async (_, events, errors) => {
    const { create } = await newAdministrator(service())
    expectInvalidInput(await create({ events }), errors)
  })

  test('a URL that is empty or endless, a description with a line break', async () => {
    const { create } = await newAdministrator(service())
    expectInvalidInput(await create({ url: '' }), { '/url': 'too_short' })
    expectInvalidInput(await create({ url: `${URL_OF_NOBODY}${'x'.repeat(2048)}` }), { '/url': 'too_long' })
    expectInvalidInput(await create({ description: 'a\nb' }), { '/description': 'invalid_characters' })
  })

  test('a host that this deployment serves: its own, or that of any tenant', async () => {
    const { client, create } = await newAdministrator(service())
    const { tenant: neighbour } = await newClient(service())
    for (const { host } of [client.tenant, neighbour]) {
      const { errors } = expectProblem(
        await create({ url: `http://${host}/v1/me` }),
        'webhook_target_refused',
      )
      expect(errors).toEqual([{ pointer: '/url', code: 'own_host' }])
    }
    expect(await countWebhooks(client.tenant.id)).toBe(0)
  })

  test('a twenty-first endpoint, until another is deleted', async () => {
    const { client, call, create } = await newAdministrator(service())
    const { id } = await fill(client.tenant.id, 20)
    expectProblem(await create(), 'too_many_webhooks')
    await call('DELETE', `/${id}`)
    expect((await create()).status).toBe(201)
    expect(await countWebhooks(client.tenant.id)).toBe(20)
  })
})

describe('races', () => {
  test('K15: 50 simultaneous creations leave 20 endpoints, and as many events', async () => {
    const { client, email, tokens, create } = await newAdministrator(service())
    // Three sessions, because each may create 20 a minute.
    const bearers = [tokens, await client.signIn(email), await client.signIn(email)]
    const answers = await race(50, (index) => create({}, { bearer: bearers[index % 3]?.access_token ?? '' }))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 201: 20, 409: 30 })
    for (const answer of answers.filter(({ status }) => status === 409))
      expectProblem(answer, 'too_many_webhooks')
    expect(await countWebhooks(client.tenant.id)).toBe(20)
    expect(await auditOfWebhooks(service(), client)).toHaveLength(20)
  })

  test('for the last place all wait for the first, and none counts before it has committed', async () => {
    const { client, create } = await newAdministrator(service())
    await fill(client.tenant.id, 19)
    const holder = await service().connect()
    try {
      // What every insertion asks for once it has counted: the row that its foreign key points to.
      await holder.query('begin')
      await holder.query('select from tenants where id = $1 for update', [client.tenant.id])
      const answers = race(8, () => create())
      await vi.waitFor(async () => {
        const [row] = await service().sql<{ waiting: number }>(
          `select count(*)::int as waiting from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock'`,
        )
        expect(row?.waiting).toBeGreaterThanOrEqual(4)
      }, 60_000)
      await holder.query('commit')
      expect(countBy(await answers, ({ status }) => status)).toEqual({ 201: 1, 409: 7 })
      expect(await countWebhooks(client.tenant.id)).toBe(20)
    } finally {
      await holder.end()
    }
  })
})

describe('attacks', () => {
  test('the secret is nowhere in the database but sealed, for its endpoint alone', async () => {
    const { create, newWebhook } = await newAdministrator(service())
    const { body } = await create({}, { headers: { 'idempotency-key': randomUUID() } })
    await service().consume()
    const [kept] = await service().sql<{ text: string }>(`
      select concat_ws(' ', (select string_agg(e::text, ' ') from webhook_endpoints e),
        (select string_agg(k::text, ' ') from idempotency_keys k), (select string_agg(e::text, ' ') from events e),
        (select string_agg(a::text, ' ') from audit_events a)) as text`)
    expect(kept?.text).toContain(body.id)
    const random = body.secret.slice('whsec_'.length)
    for (const form of [random, Buffer.from(random, 'base64').toString('hex'), 'whsec_'])
      expect(kept?.text).not.toContain(form)
    expect(await signingSecrets(service(), body.id)).toEqual([body.secret])

    const other = await newWebhook()
    const { sealed_secret } = await storedWebhook(service(), body.id)
    await service().sql('update webhook_endpoints set sealed_secret = $2 where id = $1', [
      other.id,
      sealed_secret,
    ])
    await expect(signingSecrets(service(), other.id)).rejects.toThrow('could not be decrypted')
  })

  test('a caller chooses neither id, nor state, nor secret, nor tenant', async () => {
    const { create } = await newAdministrator(service())
    for (const [field, value] of Object.entries({
      id: randomUUID(),
      state: 'disabled',
      secret: 'whsec_mine',
      sealed_secret: 'x',
      headers: { host: 'x' },
    }))
      expectInvalidInput(await create({ [field]: value }), { [`/${field}`]: 'unknown_field' })
  })
})
