/** GET /v1/admin/users/{id}/metadata. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'readUserMetadata')

test('administration 4: shows an administrator what was written, and no one of another tenant (K05)', async () => {
  const client = await newClient(service())
  const { tokens } = await client.signUpAdmin()
  const { tokens: person } = await client.signUp()
  const path = `/v1/admin/users/${person.user.id}/metadata`
  const empty = { user_id: person.user.id, external_id: null, public_metadata: {}, private_metadata: {} }
  expect((await client.call(path, { bearer: tokens.access_token })).body).toEqual(empty)
  const elsewhere = await newClient(service())
  const { tokens: foreign } = await elsewhere.signUpAdmin()
  expectProblem(await elsewhere.call(path, { bearer: foreign.access_token }), 'not_found')
  for (const id of [randomUUID(), 'x', `${person.user.id}0`])
    expectProblem(
      await client.call(`/v1/admin/users/${id}/metadata`, { bearer: tokens.access_token }),
      'not_found',
    )
})
