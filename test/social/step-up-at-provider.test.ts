import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Client, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'
import {
  addProvider,
  comeBack,
  keptState,
  linkTo,
  newPerson,
  newTenantWith,
  signIn,
  startStepUp,
  told,
  whoIs,
} from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterEach(() => provider.deviate({}))
afterAll(() => provider.stop())

const seconds = () => Math.floor(Date.now() / 1000)

/** A person who signed in with the provider, long ago. */
async function longSignedIn(row: Record<string, unknown> = { trusts_assurance: true }) {
  const { client, admin, provider: made } = await newTenantWith(service(), provider, row)
  const person = newPerson()
  const { body: tokens } = await whoIs(client, await signIn(client, provider, person))
  await service().sql(`update sessions set auth_time = now() - interval '11 minutes' where user_id = $1`, [
    tokens.user.id,
  ])
  return { client, admin, made, person, tokens }
}

/** All of it; the person signs in there now, unless `said` has it otherwise. */
async function stepUp(
  client: Client,
  tokens: Pick<Tokens, 'access_token'>,
  person: Record<string, unknown>,
  said: Record<string, unknown> = {},
) {
  const { url, cookie } = await startStepUp(client, tokens)
  return comeBack(client, provider.consent(url, { ...person, auth_time: seconds(), ...said }), cookie)
}

/** What only a fresh authentication may do, and what leaves everything as it is. */
const demanding = (client: Client, { access_token: bearer }: Pick<Tokens, 'access_token'>) =>
  client.call('/v1/identities/00000000-0000-0000-0000-000000000000', { method: 'DELETE', bearer })

async function stateOf(userId: string) {
  const rows = await service().sql<{ age: number; aal: number; amr: string[] }>(
    `select extract(epoch from now() - auth_time)::int as age, aal, amr from sessions
     where user_id = $1 order by id limit 1`,
    [userId],
  )
  return rows[0]
}

describe('accepts', () => {
  test('who signs in there again: the session is fresh, and nothing else is new', async () => {
    const { client, person, tokens } = await longSignedIn()
    expectProblem(await demanding(client, tokens), 'insufficient_user_authentication')
    const begun = await startStepUp(client, tokens)
    expect(begun).toMatchObject({ status: 200, trips: { redis: 1, postgres: 1 } })
    const asked = new URL(begun.url).searchParams
    expect([asked.get('prompt'), asked.get('max_age')]).toEqual(['login', '0'])
    const returned = provider.consent(begun.url, { ...person, auth_time: seconds() })
    const back = await comeBack(client, returned, begun.cookie)
    expect(told(back)).toEqual({ from: 'start', stepped_up: 'true' })
    expect(back).toMatchObject({ status: 303, trips: { redis: 1, postgres: 2 } })
    expect(back.headers.getSetCookie()).toEqual([])
    expectProblem(await demanding(client, tokens), 'not_found')
    expect(await stateOf(tokens.user.id)).toMatchObject({ aal: 1, amr: ['fed'] })
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({
      'session.confirmed': 1,
      'session.started': 1,
      'identity.linked': 1,
    })
  })

  test('a second factor that the provider asked for raises the level', async () => {
    const { client, person, tokens } = await longSignedIn()
    await client.withFactor(tokens)
    await service().sql(`update users set second_factor_since = now() - interval '1 day' where id = $1`, [
      tokens.user.id,
    ])
    expectProblem(await stepUp(client, tokens, person), 'insufficient_user_authentication')
    expect(told(await stepUp(client, tokens, person, { amr: ['pwd', 'mfa'] }))).toMatchObject({
      stepped_up: 'true',
    })
    expect(await stateOf(tokens.user.id)).toMatchObject({ aal: 2, amr: ['fed', 'mfa'] })
    expectProblem(await demanding(client, tokens), 'not_found')
  })
})

describe('refuses', () => {
  test('where the tenant’s row does not say that it counts, now or when the person comes back', async () => {
    const { client, tokens } = await longSignedIn({})
    expectProblem(await startStepUp(client, tokens), 'not_found')
    const other = await longSignedIn()
    const { url, cookie } = await startStepUp(other.client, other.tokens)
    await service().sql('update providers set trusts_assurance = false where id = $1', [other.made.id])
    const returned = provider.consent(url, { ...other.person, auth_time: seconds() })
    expect(told(await comeBack(other.client, returned, cookie))).toMatchObject({ error: 'login_failed' })
    expect((await stateOf(other.tokens.user.id))?.age).toBeGreaterThan(600)
  })

  test('a provider that cannot say when someone signed in', async () => {
    const { client, admin, tokens } = await longSignedIn()
    const github = { slug: 'github', kind: 'github', trusts_assurance: true }
    expect((await addProvider(client, admin.access_token, github)).status).toBe(201)
    expectProblem(await startStepUp(client, tokens, 'github'), 'not_found')
    expectProblem(await startStepUp(client, tokens, 'none'), 'not_found')
  })

  test('a sign-in there that is as old as ours, or of which it does not say when', async () => {
    const { client, person, tokens } = await longSignedIn()
    for (const auth_time of [seconds() - 660, undefined, null, '0', String(seconds()), 0, -1, 1e12]) {
      const back = await stepUp(client, tokens, person, { auth_time })
      expect(told(back), String(auth_time)).toMatchObject({ error: 'login_failed' })
    }
    expect((await stateOf(tokens.user.id))?.age).toBeGreaterThan(600)
  })

  test('someone else there, also one whom this very session has linked', async () => {
    const { client, tokens } = await longSignedIn()
    const stranger = newPerson()
    expect(told(await stepUp(client, tokens, stranger))).toMatchObject({ error: 'login_failed' })
    await service().sql('update sessions set auth_time = now() where user_id = $1', [tokens.user.id])
    expect(told(await linkTo(client, provider, tokens, stranger))).toMatchObject({ linked: 'true' })
    await service().sql(`update sessions set auth_time = now() - interval '11 minutes' where user_id = $1`, [
      tokens.user.id,
    ])
    expect(told(await stepUp(client, tokens, stranger))).toMatchObject({ error: 'login_failed' })
    expect((await stateOf(tokens.user.id))?.age).toBeGreaterThan(600)
  })
})

describe('attacks', () => {
  test('a session that ended meanwhile is not confirmed', async () => {
    const { client, person, tokens } = await longSignedIn()
    const { url, cookie } = await startStepUp(client, tokens)
    await service().sql('update sessions set revoked_at = now() where user_id = $1', [tokens.user.id])
    const returned = provider.consent(url, { ...person, auth_time: seconds() })
    expectProblem(await comeBack(client, returned, cookie), 'invalid_token')
  })

  test('a state that Redis hands out again confirms nothing, and of 20 answers at once one does', async () => {
    const { client, person, tokens } = await longSignedIn()
    const { url, cookie } = await startStepUp(client, tokens)
    const { putBack } = await keptState(service(), client, url, cookie)
    const refill = setInterval(putBack, 1)
    const answers = await race(20, () =>
      comeBack(client, provider.consent(url, { ...person, auth_time: seconds() }), cookie),
    )
    clearInterval(refill)
    expect(answers.filter((answer) => told(answer).stepped_up === 'true')).toHaveLength(1)
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'session.confirmed': 1 })
  })

  test('a flow that steps up signs no one in and links no one, and one that signs in confirms no session', async () => {
    const { client, person, tokens } = await longSignedIn()
    const back = await stepUp(client, tokens, newPerson())
    expect(back.headers.getSetCookie()).toEqual([])
    await signIn(client, provider, { ...person, auth_time: seconds() })
    expect((await stateOf(tokens.user.id))?.age).toBeGreaterThan(600)
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'identity.linked': 1 })
  })
})
