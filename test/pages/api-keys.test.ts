/** API keys on the pages: made with chosen scopes, shown once, listed, and revoked. */
import { expect, test } from 'vitest'
import type { Opened } from '../support/browser.ts'
import { newClient, PASSWORD } from '../support/client.ts'
import { useLentService } from '../support/service.ts'
import { createWalker } from '../support/walker.ts'

const service = useLentService()

async function signedIn(scopes: readonly string[] = ['orders:read', 'orders:write', 'latchkey:users:read']) {
  const client = await newClient(service(), { settings: { api_key_scopes: scopes } })
  const { email, tokens } = await client.newAccount()
  const walker = createWalker(service(), client.tenant)
  await walker.walk(await walker.open('/sign-in'), { email, password: PASSWORD })
  return { client, tokens, ...walker }
}

const keyOn = ({ elements }: Opened) =>
  elements.find(({ attributes }) => attributes.id === 'key')?.attributes.value
const boxes = ({ elements }: Opened) =>
  elements.flatMap(({ attributes: { name = '', type } }) => (type === 'checkbox' ? [name] : []))

const verify = (client: Awaited<ReturnType<typeof newClient>>, key: string) =>
  client.call<{ valid: boolean; scopes: string[] }>('/v1/api-keys/verify', { json: { key } })

test('pages 3: a key is made with the chosen scopes, works, is shown once, and works no more once it is revoked', async () => {
  const { client, open, submit, walk, tokens } = await signedIn()
  expect((await open('/account')).text).toContain('API keys')
  const form = await open('/account/api-key-add')
  // Those of ours are for who may do the same.
  expect(boxes(form)).toEqual(['scope orders:read', 'scope orders:write'])
  const made = await submit(form, boxed({ name: '<b>Backup</b>', days: '30' }, 'orders:read'))
  expect(made).toMatchObject({ status: 200, heading: 'Your new key' })
  expect(made.headers.get('cache-control')).toBe('no-store')
  const key = keyOn(made) ?? ''
  expect((await verify(client, key)).body).toMatchObject({ valid: true, scopes: ['orders:read'] })
  const [row] = await service().sql<{ days: number }>(
    `select round(extract(epoch from expires_at - created_at) / 86400)::int as days from api_keys where user_id = $1`,
    [tokens.user.id],
  )
  expect(row?.days).toBe(30)
  const listed = await open('/account/api-keys')
  expect(listed.text).toContain('<b>Backup</b>')
  expect(listed.html).not.toContain(key)
  expect(listed.elements.map(({ tag }) => tag)).not.toContain('b')
  const revoked = await walk(listed)
  expect(revoked.text).toContain('The key is revoked. It no longer works.')
  expect((await verify(client, key)).body).toEqual({ valid: false })
})

/** A form posts the boxes that are ticked, and no other. */
const boxed = (fields: Record<string, string>, ...scopes: string[]) => ({
  'scope orders:read': '',
  'scope orders:write': '',
  ...fields,
  ...Object.fromEntries(scopes.map((scope) => [`scope ${scope}`, 'on'])),
})

test('pages 3: one without a scope, with one that the tenant has not declared or the person lacks, is not made', async () => {
  const { open, submit, tokens } = await signedIn()
  const form = await open('/account/api-key-add')
  const none = await submit(form, boxed({ name: 'Backup', days: '90' }))
  expect(none).toMatchObject({ status: 422, alert: 'Choose what the key may do.' })
  expect(none.html).toContain('value="Backup"')
  expect((await submit(form, boxed({ name: ' ' }, 'orders:read'))).text).toContain('This is too short.')
  expect((await submit(form, boxed({ name: 'x' }, 'no:such'))).status).toBe(422)
  expect((await submit(form, boxed({ name: 'x', scopes: 'orders:read' }, 'orders:read'))).status).toBe(422)
  expect((await submit(form, boxed({ name: 'x', roles: 'on' }, 'orders:read'))).status).toBe(422)
  const ours = await submit(form, boxed({ name: 'x' }, 'latchkey:users:read'))
  expect(ours).toMatchObject({ status: 403, alert: 'You may not do this. Ask an administrator.' })
  expect(await service().sql('select id from api_keys where user_id = $1', [tokens.user.id])).toEqual([])
})

test('pages 3: it asks again who is there, where that is long ago; the list does not', async () => {
  const { open, tokens } = await signedIn()
  await service().sql(`update sessions set auth_time = now() - interval '1 hour' where user_id = $1`, [
    tokens.user.id,
  ])
  expect((await open('/account/api-key-add')).heading).toBe('Confirm that it is you')
  expect((await open('/account/api-keys')).heading).toBe('API keys')
})

test('pages 3: where the tenant declares no scopes, nothing leads there, and no key can be made', async () => {
  const { open } = await signedIn([])
  expect((await open('/account')).text).not.toContain('API keys')
  expect((await open('/account/api-keys')).html).not.toContain('/account/api-key-add')
})

test('pages 3: no one revokes the key of someone else', async () => {
  const { client, open, submit, tokens } = await signedIn()
  await client.plantedApiKey(tokens)
  const { id } = await client.plantedApiKey((await client.newAccount()).tokens)
  expect((await submit(await open('/account/api-keys'), { key_id: id })).status).toBe(404)
  const [row] = await service().sql('select revoked_at from api_keys where id = $1', [id])
  expect(row).toEqual({ revoked_at: null })
})
