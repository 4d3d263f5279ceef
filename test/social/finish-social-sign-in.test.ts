import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newEmail, race } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'
import {
  comeBack,
  newPerson,
  newTenantWith,
  RETURN,
  signIn,
  start,
  storedOf,
  told,
  whoIs,
} from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
  // Redis knows the script from then on: trips are counted after that.
  await signIn((await newTenantWith(service(), provider)).client, provider, newPerson())
})
afterAll(() => provider.stop())

describe('accepts', () => {
  test('a new person: an account whose address is proved, and cookies on the way to the app', async () => {
    const { client } = await newTenantWith(service(), provider)
    const person = newPerson()
    const { answer, url, cookie } = await start(client, { app_state: 'page 7' })
    expect(answer).toMatchObject({ status: 302, trips: { redis: 1, postgres: 1 } })
    const back = await comeBack(client, provider.consent(url, person), cookie)
    expect(back).toMatchObject({ status: 303, trips: { redis: 1, postgres: 2 } })
    expect(back.headers.get('location')).toBe(`${RETURN}&app_state=page+7`)
    const { status, body } = await whoIs(client, back)
    expect({ status, user: body.user }).toMatchObject({
      status: 200,
      user: { email: person.email, email_verified: true, name: 'Ada Lovelace' },
    })
    expect(await countEvents(service(), body.user.id)).toEqual({
      'user.registered': 1,
      'identity.linked': 1,
      'session.started': 1,
    })
  })

  test('the same person again, whatever their address is by now: the same account', async () => {
    const { client } = await newTenantWith(service(), provider)
    const person = newPerson()
    const first = await whoIs(client, await signIn(client, provider, person))
    const again = await whoIs(client, await signIn(client, provider, { ...person, email: newEmail() }))
    expect(again.body.user).toMatchObject({ id: first.body.user.id, email: person.email })
  })
})

test('a callback asks the provider twice, for tokens and for its keys, and once where those are kept', async () => {
  const { client } = await newTenantWith(service(), provider)
  const asked = async () => {
    const { url, cookie } = await start(client)
    const before = provider.hits.length
    await comeBack(client, provider.consent(url, newPerson()), cookie)
    return provider.hits.slice(before)
  }
  expect(await asked()).toEqual(['/token', '/jwks'])
  await expect.poll(asked).toEqual(['/token'])
  // A key that is not among them is asked for at once.
  await provider.rotate()
  expect(await asked()).toEqual(['/token', '/jwks'])
})

describe('the door', () => {
  test('a tenant that requires a second factor gives a new person a token that can only add one', async () => {
    const { client } = await newTenantWith(service(), provider)
    await service().sql(
      `update tenants set settings = settings || '{"second_factor": "required"}' where id = $1`,
      [client.tenant.id],
    )
    const back = await signIn(client, provider, newPerson())
    const { hash } = new URL(back.headers.get('location') ?? '')
    expect(hash).toMatch(/^#status=mfa_enrolment_required&mfa_token=lkm_/)
    expect(back.headers.getSetCookie()).toEqual([])
  })

  test('an account that is disabled or closed is not signed in to, and not made anew', async () => {
    const { client } = await newTenantWith(service(), provider)
    for (const change of [`status = 'disabled'`, 'deleted_at = now()']) {
      const person = newPerson()
      const { body } = await whoIs(client, await signIn(client, provider, person))
      await service().sql(`update users set ${change} where id = $1`, [body.user.id])
      const before = await storedOf(service(), client)
      expect(told(await signIn(client, provider, person))).toMatchObject({ error: 'login_failed' })
      expect(await storedOf(service(), client)).toEqual(before)
    }
  })
})

describe('attacks', () => {
  test('FINDINGS F11: of 50 simultaneous callbacks with one state, one begins a session', async () => {
    const { client } = await newTenantWith(service(), provider)
    const { url, cookie } = await start(client)
    const returned = provider.consent(url, newPerson())
    const answers = await race(50, () => comeBack(client, returned, cookie))
    const begun = answers.filter(({ status }) => status === 303)
    expect(begun).toHaveLength(1)
    for (const answer of answers) if (answer.status !== 303) expectProblem(answer, 'invalid_oauth_state')
  })
})
