import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import {
  addProvider,
  comeBack,
  newPerson,
  newTenantWith,
  signIn,
  start,
  told,
  whoIs,
} from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterAll(() => provider.stop())

async function stage() {
  const { client, admin, provider: made } = await newTenantWith(service(), provider)
  const remove = (bearer = admin.access_token, id = made.id) =>
    client.call(`/v1/admin/providers/${id}`, { method: 'DELETE', bearer })
  return { client, admin, made, remove }
}

describe('accepts', () => {
  test('no one signs in with it any more, nor ends a flow; who people are there is kept for the day it is back', async () => {
    const { client, admin, remove } = await stage()
    const person = newPerson()
    const { body } = await whoIs(client, await signIn(client, provider, person))
    const { url, cookie } = await start(client)
    expect((await remove()).status).toBe(204)
    expectProblem((await start(client)).answer, 'not_found')
    expect(told(await comeBack(client, provider.consent(url, person), cookie))).toMatchObject({
      error: 'login_failed',
    })
    await addProvider(client, admin.access_token, { issuer: provider.issuer })
    const again = await whoIs(client, await signIn(client, provider, person))
    expect(again.body.user.id).toBe(body.user.id)
  })

  test('another issuer under the same slug has none of its people', async () => {
    const other = await startIdentityProvider()
    try {
      const { client, admin, remove } = await stage()
      const person = newPerson()
      const { body } = await whoIs(client, await signIn(client, provider, person))
      await remove()
      await addProvider(client, admin.access_token, { issuer: other.issuer, link_policy: 'never' })
      const { url, cookie } = await start(client)
      const back = await comeBack(client, other.consent(url, person), cookie)
      expect(told(back)).toMatchObject({ error: 'account_exists' })
      expect(body.user.email).toBe(person.email)
    } finally {
      await other.stop()
    }
  })
})

describe('refuses', () => {
  test('one of another tenant, one that there is not, and who is no administrator', async () => {
    const [one, two] = [await stage(), await stage()]
    expectProblem(await one.remove(one.admin.access_token, two.made.id), 'not_found')
    expectProblem(await one.remove(one.admin.access_token, 'none'), 'not_found')
    const { tokens } = await one.client.signUp()
    expectProblem(await one.remove(tokens.access_token), 'insufficient_role')
    await service().sql(`update sessions set auth_time = now() - interval '11 minutes' where id = $1`, [
      one.admin.session.id,
    ])
    expectProblem(await one.remove(), 'insufficient_user_authentication')
    expect((await start(one.client)).answer.status).toBe(302)
    expect((await start(two.client)).answer.status).toBe(302)
  })
})
