import { inflateSync } from 'node:zlib'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { type Client, newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, {
  method: 'GET',
  path: '/.well-known/status-list',
  allow: 'GET, HEAD',
  caller: 'anyone',
})

type Status = { status_list: { idx: number; uri: string } }

/** The reference in an access token, and the address of the list on this machine. */
function referenceOf(accessToken: string) {
  const { status } = decodeJwt<{ status: Status }>(accessToken)
  const { idx, uri } = status.status_list
  const { pathname, search } = new URL(uri)
  return { idx, uri, path: pathname + search }
}

/** Verified as the draft says, by jose and zlib. */
async function readList(client: Client, path: string, uri: string) {
  const answer = await client.call<string>(path)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/statuslist+jwt')
  const keys = createLocalJWKSet((await client.call<JSONWebKeySet>('/.well-known/jwks.json')).body)
  const { payload } = await jwtVerify(String(answer.body), keys, {
    issuer: client.tenant.origin,
    subject: uri,
    typ: 'statuslist+jwt',
  })
  const { bits, lst } = payload.status_list as { bits: number; lst: string }
  expect(bits).toBe(1)
  const list = inflateSync(Buffer.from(lst, 'base64url'))
  const isEnded = (index: number) => ((list[index >> 3] ?? 0) >> (index & 7)) & 1
  return { answer, payload, list, isEnded }
}

async function statusOf(client: Client, accessToken: string) {
  const { idx, uri, path } = referenceOf(accessToken)
  return (await readList(client, path, uri)).isEnded(idx)
}

describe('accepts', () => {
  test('every access token of a session names one bit, from registration on, and no other session does', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    const { body: refreshed } = await client.refresh(tokens.refresh_token)
    const { idx, uri } = referenceOf(tokens.access_token)
    expect(uri).toBe(`${client.tenant.origin}/.well-known/status-list?list=${Math.floor(idx / 2 ** 20)}`)
    expect(referenceOf(refreshed.access_token)).toEqual(referenceOf(tokens.access_token))
    expect(referenceOf((await client.signIn(email)).access_token).idx).not.toBe(idx)
  })

  test('its list is signed, small, and says how long it may be used', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const { path, uri, idx } = referenceOf(tokens.access_token)
    const { answer, payload, list, isEnded } = await readList(client, path, uri)
    expect(list.length).toBe(2 ** 17)
    expect(isEnded(idx)).toBe(0)
    expect(payload).toMatchObject({ ttl: 8, exp: (payload.iat ?? 0) + 80 })
    expect(String(answer.body).length).toBeLessThan(1000)
    expect(answer.headers.get('cache-control')).toMatch(/^public, max-age=[0-8]$/)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    const again = await client.call<string>(path)
    expect(again).toMatchObject({ body: answer.body, trips: { postgres: 0, redis: 0 } })
  })

  test.each<
    [string, (client: Client, of: { email: string; token: string; refresh: string }) => Promise<unknown>]
  >([
    ['signing out', (client, { refresh }) => client.logout(refresh)],
    [
      'signing out everywhere',
      (client, { token }) => client.call('/v1/sessions', { method: 'DELETE', bearer: token }),
    ],
    [
      'closing the account',
      (client, { token }) => client.call('/v1/me', { method: 'DELETE', bearer: token }),
    ],
    [
      'a refresh token that was used twice',
      async (client, { refresh }) => {
        const { body } = await client.refresh(refresh)
        await client.refresh(body.refresh_token)
        expectProblem(await client.refresh(refresh), 'invalid_grant')
      },
    ],
  ])('an ended session is in the list: %s', async (_, end) => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    const other = await client.signUp()
    await end(client, { email, token: tokens.access_token, refresh: tokens.refresh_token })
    expectProblem(await client.me(tokens.access_token), 'invalid_token')
    expect(await statusOf(client, tokens.access_token)).toBe(1)
    expect(await statusOf(client, other.tokens.access_token)).toBe(0)
  })

  test('a session from before there were lists has no such claim, and goes on', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    await service().sql('update sessions set status_index = null where id = $1', [tokens.session.id])
    const { status, body } = await client.refresh(tokens.refresh_token)
    expect(status).toBe(200)
    expect(decodeJwt(body.access_token)).not.toHaveProperty('status')
  })

  test('the millionth session begins another list', async () => {
    const client = await newClient(service())
    const { email } = await client.signUp()
    await service().sql(`select setval('session_status', ${2 ** 20 + 4})`)
    const tokens = await client.signIn(email)
    const { idx, path } = referenceOf(tokens.access_token)
    expect({ idx, path }).toEqual({ idx: 5, path: '/.well-known/status-list?list=1' })
    await client.logout(tokens.refresh_token)
    expect(await statusOf(client, tokens.access_token)).toBe(1)
  })
})

describe('refuses', () => {
  test.each(['x', '-1', '01', '1e3', '9'.repeat(10), ''])('%j, which is no list', async (list) => {
    const client = await newClient(service())
    expectProblem(await client.call(`/.well-known/status-list?list=${list}`), 'invalid_input')
  })

  test('a list that no session is in yet', async () => {
    const client = await newClient(service())
    expectProblem(await client.call('/.well-known/status-list?list=999999'), 'not_found')
  })
})

describe('attacks', () => {
  test('a list says nothing of the sessions of another tenant', async () => {
    const [client, stranger] = [await newClient(service()), await newClient(service())]
    const { tokens } = await client.signUp()
    await client.logout(tokens.refresh_token)
    const { idx, path } = referenceOf(tokens.access_token)
    const { isEnded } = await readList(stranger, path, `${stranger.tenant.origin}${path}`)
    expect(isEnded(idx)).toBe(0)
    expect(await statusOf(client, tokens.access_token)).toBe(1)
  })

  test('a status list is no access token', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const { body } = await client.call<string>(referenceOf(tokens.access_token).path)
    expectProblem(await client.me(String(body)), 'invalid_token')
  })
})
