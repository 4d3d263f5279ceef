import { expect, test } from 'vitest'
import { challenge } from '../support/authenticator.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { recordedOf } from '../support/recorded.ts'
import { newLoss, removalPath } from '../support/second-factor-removal.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, {
  method: 'DELETE',
  path: '/v1/admin/users/:id/second-factor-removal',
  allow: 'POST, DELETE',
  caller: 'admin',
})

test('factors 8: an administrator takes a removal back, once, and the factors stay', async () => {
  const { client, admin, owner, ask, cancel, minute, wait, outcomes } = await newLoss(service())
  await ask()
  expect((await cancel()).status).toBe(204)
  expectProblem(await cancel(), 'not_found')
  await wait('24 hours')
  await minute()
  expect(await outcomes()).toEqual(['cancelled'])
  expect(await challenge(client, owner.email)).toMatchObject({ status: 'mfa_required' })
  expect(await recordedOf(service(), owner.tokens.user.id, 'second_factor.removal_cancelled')).toEqual([
    { actor: admin.user.id, data: { removal_id: expect.any(String), by: 'administrator' } },
  ])
})

test('no removal of another tenant', async () => {
  const { client, admin } = await newLoss(service())
  const foreign = await newLoss(service())
  await foreign.ask()
  const path = removalPath(foreign.owner.tokens.user.id)
  expectProblem(await client.call(path, { method: 'DELETE', bearer: admin.access_token }), 'not_found')
  expect(await foreign.outcomes()).toEqual([null])
})
