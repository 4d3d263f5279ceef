/** Signing in at a provider that is not ours, over HTTP: `oidc-provider` runs beside the service. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, newClient } from '../support/client.ts'
import { type RealProvider, startRealProvider } from '../support/real-provider.ts'
import { useLentService } from '../support/service.ts'
import {
  APP,
  addProvider,
  comeBack,
  identitiesOf,
  RETURN,
  start,
  startLink,
  told,
  whoIs,
} from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let client: Client
let provider: RealProvider

beforeAll(async () => {
  client = await newClient(service(), { allowedOrigins: [APP], settings: { redirect_uris: [RETURN] } })
  provider = await startRealProvider([`${client.tenant.origin}/v1/oauth/idp/callback`])
  const { tokens } = await client.signUpAdmin()
  const added = await addProvider(client, tokens.access_token, { issuer: provider.issuer })
  expect(added.status).toBe(201)
})
afterAll(() => provider?.stop())

test('a person signs up, signs in again, links another account, and takes one away', async () => {
  const ada = provider.newPersonAt('ada')
  const first = await start(client)
  const signedUp = await whoIs(client, await comeBack(client, await ada(first.url), first.cookie))
  expect(signedUp.body.user).toMatchObject({ email: 'ada@example.com', name: 'Person ada' })

  // The provider knows the browser, and asks for nothing.
  const second = await start(client)
  const again = await whoIs(client, await comeBack(client, await ada(second.url), second.cookie))
  expect(again.body.user.id).toBe(signedUp.body.user.id)

  const tokens = again.body
  const link = await startLink(client, tokens)
  const grace = provider.newPersonAt('grace')
  const linked = await comeBack(client, await grace(link.url), link.cookie)
  expect(told(linked)).toEqual({ from: 'start', linked: 'true' })
  expect(await identitiesOf(client, tokens)).toHaveLength(2)

  const third = await start(client)
  const asGrace = await whoIs(client, await comeBack(client, await grace(third.url), third.cookie))
  expect(asGrace.body.user).toMatchObject({ id: signedUp.body.user.id, email: 'ada@example.com' })

  const [identity] = await identitiesOf(client, tokens)
  const removed = await client.call(`/v1/identities/${identity?.id}`, {
    method: 'DELETE',
    bearer: tokens.access_token,
  })
  expect(removed.status).toBe(204)
  expect(await identitiesOf(client, tokens)).toHaveLength(1)
})

test('a person who declines comes back with an error that the app can show, and nothing is made', async () => {
  const { url, cookie } = await start(client, { app_state: 'cart' })
  const back = await comeBack(client, await provider.newPersonAt('eve')(url, true), cookie)
  expect(back.status).toBe(303)
  expect(told(back)).toEqual({ from: 'start', error: 'access_denied', app_state: 'cart' })
  const [row] = await service().sql(`select count(*)::int as n from users where email = 'eve@example.com'`)
  expect(row).toEqual({ n: 0 })
})
