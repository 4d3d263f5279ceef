import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { newPasskey } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'

const service = useLentService()

everyRoute(service, {
  method: 'PATCH',
  path: '/v1/passkeys/:id',
  allow: 'PATCH, DELETE',
  caller: 'bearer',
  json: { name: 'Laptop' },
})

describe('accepts', () => {
  test('another name, and answers the passkey', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const { listed } = await newPasskey(client, tokens)
    const answer = await client.call(`/v1/passkeys/${listed.id}`, {
      method: 'PATCH',
      bearer: tokens.access_token,
      json: { name: ' Ada’s phone ' },
    })
    expect(answer).toMatchObject({ status: 200, body: { ...listed, name: 'Ada’s phone' } })
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'passkey.renamed': 1 })
  })
})

describe('refuses', () => {
  test('a name that is none, and an id that is none', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const { listed } = await newPasskey(client, tokens)
    const call = (id: string, name: string) =>
      client.call(`/v1/passkeys/${id}`, { method: 'PATCH', bearer: tokens.access_token, json: { name } })
    for (const name of ['', '   ', 'a\nb', 'x'.repeat(201)])
      expectProblem(await call(listed.id, name), 'invalid_input')
    for (const id of [crypto.randomUUID(), 'x', '%00', listed.id.toUpperCase()])
      expectProblem(await call(id, 'Laptop'), 'not_found')
  })
})
