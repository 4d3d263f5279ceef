/** The pages of the tenant itself: its settings, roles, providers and API keys. */
import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { useService } from '../support/service.ts'
import { createWalker } from '../support/walker.ts'

const service = useService()

async function newDesk() {
  const client = await newClient(service())
  const { tokens } = await client.newAdmin()
  const walker = createWalker(service(), client.tenant)
  walker.cookies.set('__Host-latchkey', tokens.refresh_token)
  const settings = async () => {
    const [row] = await service().sql<{ settings: Record<string, unknown> }>(
      'select settings from tenants where id = $1',
      [client.tenant.id],
    )
    return row?.settings ?? {}
  }
  return { client, tokens, settings, ...walker }
}

describe('settings', () => {
  test.each([
    ['erasure_days', '7', 7],
    ['trusted_devices', 'true', true],
    ['second_factor', 'required_for_roles', 'required_for_roles'],
    [
      'redirect_uris',
      'https://app.example.com/a  https://app.example.com/b',
      ['https://app.example.com/a', 'https://app.example.com/b'],
    ],
    ['colour', '#123456', '#123456'],
  ])(
    'console 5: %s is changed, shown beside its default, and is the default again',
    async (name, typed, value) => {
      const { open, walk, settings } = await newDesk()
      const path = `/console/settings/${name}`
      const changed = await walk(await open(path), { settings: typed, reason: 'ticket 7' }, path)
      expect(changed.heading).toBe('Settings')
      expect(changed.text).toContain('The setting is changed.')
      expect((await settings())[name]).toEqual(value)
      const again = await walk(await open(path), { settings: '' }, path)
      expect(again.text).toContain('The setting is changed.')
      expect(Object.keys(await settings())).not.toContain(name)
    },
  )

  test.each([
    ['erasure_days', 'many'],
    ['erasure_days', '-1'],
    ['erasure_days', '99999'],
    ['trusted_devices', 'perhaps'],
    ['second_factor', '<b>'],
    ['redirect_uris', 'javascript:alert(1)'],
    ['colour', 'red'],
  ])('console 5: %s is not %s: said beside the field, and nothing is changed', async (name, typed) => {
    const { open, submit, settings } = await newDesk()
    const before = await settings()
    const path = `/console/settings/${name}`
    const refused = await submit(await open(path), { settings: typed }, path)
    expect(refused.status).toBe(422)
    const field = refused.elements.find(({ attributes }) => attributes.id === 'settings')
    expect(field?.attributes['aria-invalid']).toBe('true')
    expect(await settings()).toEqual(before)
  })

  test('console 5: what only the operator changes has no form, and is not there', async () => {
    const { open, post } = await newDesk()
    const list = await open('/console/settings')
    const links = list.elements.map(({ attributes }) => attributes.href)
    expect(links).toContain('/console/settings/erasure_days')
    for (const name of ['impersonation', 'roles', 'audience', 'constructor', 'none']) {
      expect(links).not.toContain(`/console/settings/${name}`)
      expect((await open(`/console/settings/${name}`)).status).toBe(404)
    }
    const form_token = (await open('/console/settings/erasure_days')).form?.fields.form_token ?? ''
    expect((await post('/console/settings/impersonation', { form_token, settings: 'allowed' })).status).toBe(
      422,
    )
  })
})

test('console 5: a role is listed with what it allows, and leads to the people who have it', async () => {
  const { client, open } = await newDesk()
  await service().sql(
    `update tenants set settings = settings || '{"roles": {"support": ["latchkey:users:read"]}}' where id = $1`,
    [client.tenant.id],
  )
  const page = await open('/console/roles')
  expect(page.text).toContain('support latchkey:users:read')
  const links = page.elements.map(({ attributes }) => attributes.href)
  expect(links).toContain('/console/users?role=support')
})

test('console 5: a provider is disabled and enabled; its secret is in no page', async () => {
  const { client, open, walk } = await newDesk()
  const { id } = await client.plantedSocial.provider()
  const isEnabled = async () => await service().sql('select enabled from providers where id = $1', [id])
  expect((await open('/console/providers')).text).toContain('/callback')
  for (const [verb, enabled] of [
    ['disable', false],
    ['enable', true],
  ] as const) {
    const path = `/console/providers/${id}/${verb}`
    const done = await walk(await open(path), {}, path)
    expect(done.heading).toBe('Providers')
    expect(done.text).toContain(`The provider is ${verb}d.`)
    expect(await isEnabled()).toEqual([{ enabled }])
  }
})

test('console 5: a key of the tenant is revoked; keys of people are not listed', async () => {
  const { client, tokens, open, walk } = await newDesk()
  const { id, key } = await client.plantedTenantKey()
  const { id: own } = await client.plantedApiKey(tokens)
  const list = await open('/console/keys')
  const links = list.elements.map(({ attributes }) => attributes.href)
  expect(links).toContain(`/console/keys/${id}/revoke`)
  expect(links).not.toContain(`/console/keys/${own}/revoke`)
  expect(list.html).not.toContain(key)
  expect((await open(`/console/keys/${own}/revoke`)).status).toBe(404)
  const done = await walk(await open(`/console/keys/${id}/revoke`), {}, `/console/keys/${id}/revoke`)
  expect(done.text).toContain('The key is revoked.')
  expect(await service().sql('select from api_keys where id = $1 and revoked_at is null', [id])).toEqual([])
})
