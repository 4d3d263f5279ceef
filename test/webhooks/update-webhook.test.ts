import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
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
  method: 'PATCH',
  path: '/v1/webhooks/:id',
  allow: 'GET, HEAD, PATCH, DELETE',
  caller: 'admin',
  json: { description: 'Ours', url: URL_OF_NOBODY, events: ['user.updated'], state: 'enabled' },
})

describe('accepts', () => {
  test.each([
    ['its URL', { url: `${URL_OF_NOBODY}elsewhere` }],
    ['its types', { events: ['session.started', 'session.ended'] }],
    ['its description', { description: 'New' }],
    ['its description, away', { description: null }],
  ])('changes %s and nothing else', async (_, changes) => {
    const { client, tokens, call, newWebhook } = await newAdministrator(service())
    const { secret, ...before } = await newWebhook({ description: 'Old', events: ['user.updated'] })
    const { status, body } = await call('PATCH', `/${before.id}`, changes)
    expect(status).toBe(200)
    expect(body).toEqual({ ...before, ...changes, updated_at: expect.any(String) })
    expect(Date.parse(String(body.updated_at))).toBeGreaterThanOrEqual(Date.parse(before.updated_at))
    expect((await call('GET', `/${before.id}`)).body).toEqual(body)
    expect(await signingSecrets(service(), before.id)).toEqual([secret])
    expect((await auditOfWebhooks(service(), client)).at(-1)).toEqual({
      type: 'webhook.updated',
      actor: tokens.user.id,
      subject: null,
      data: { endpoint_id: before.id, fields: Object.keys(changes) },
    })
  })

  test('disables an endpoint and enables it again, also one whose receiver was gone', async () => {
    const { call, newWebhook } = await newAdministrator(service())
    const { id } = await newWebhook()
    const disabled = await call('PATCH', `/${id}`, { state: 'disabled' })
    expect(disabled.body).toMatchObject({ state: 'disabled', disabled_reason: 'by_admin' })
    expect((await call('PATCH', `/${id}`, { description: 'x' })).body).toMatchObject({
      state: 'disabled',
      disabled_reason: 'by_admin',
    })
    await service().sql("update webhook_endpoints set disabled_reason = 'gone' where id = $1", [id])
    const enabled = await call('PATCH', `/${id}`, { state: 'enabled' })
    expect(enabled.body).toMatchObject({ state: 'enabled', disabled_reason: null })
  })
})

describe('refuses', () => {
  test('a body that changes nothing', async () => {
    const { call, newWebhook } = await newAdministrator(service())
    const { id } = await newWebhook()
    expectInvalidInput(await call('PATCH', `/${id}`, {}), { '': 'nothing_to_change' })
  })

  test('what no endpoint can be', async () => {
    const { call, newWebhook } = await newAdministrator(service())
    const { id } = await newWebhook()
    const wrong: [change: object, errors: Record<string, string>][] = [
      [{ events: [] }, { '/events': 'too_short' }],
      [{ state: 'gone' }, { '/state': 'not_allowed' }],
      [{ disabled_reason: 'gone' }, { '/disabled_reason': 'unknown_field' }],
      [{ secret: 'whsec_mine' }, { '/secret': 'unknown_field' }],
      [{ description: 'x'.repeat(201) }, { '/description': 'too_long' }],
    ]
    for (const [change, errors] of wrong) expectInvalidInput(await call('PATCH', `/${id}`, change), errors)
  })

  test('a host that this deployment serves, and changes nothing else either', async () => {
    const { client, call, newWebhook } = await newAdministrator(service())
    const { id } = await newWebhook()
    const before = await storedWebhook(service(), id)
    const { tenant: neighbour } = await newClient(service())
    for (const { host } of [client.tenant, neighbour]) {
      const answer = await call('PATCH', `/${id}`, { url: `http://${host}/`, description: 'changed' })
      expect(expectProblem(answer, 'webhook_target_refused').errors).toEqual([
        { pointer: '/url', code: 'own_host' },
      ])
    }
    expect(await storedWebhook(service(), id)).toEqual(before)
  })
})
