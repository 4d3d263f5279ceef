/** How a page knows who is there: by the cookie, which is read and not used up, so that nothing a browser does signs anyone out. */
import { expect, test } from 'vitest'
import { createBrowser } from '../support/browser.ts'
import { newClient, PASSWORD, race } from '../support/client.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

async function newPerson() {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  const see = (refreshToken = tokens.refresh_token, path = '/account') =>
    client.call<string>(path, { headers: { cookie: `__Host-latchkey=${refreshToken}` } })
  const set = (text: string) => service().sql(text, [tokens.session.id])
  const isLive = async () =>
    (await set('select from sessions where id = $1 and revoked_at is null')).length === 1
  return { client, email, tokens, see, set, isLive }
}

const expectNoOne = ({ status, headers }: { status: number; headers: Headers }) => {
  expect({ status, to: headers.get('location') }).toEqual({
    status: 303,
    to: '/sign-in?return_to=%2Faccount',
  })
  expect(headers.getSetCookie()).toEqual([])
}

test('pages 2: looking at a page, in as many tabs as there are, uses nothing up', async () => {
  const { see, set, email } = await newPerson()
  const seen = await race(20, () => see())
  for (const { status, body } of seen) {
    expect(status).toBe(200)
    expect(body).toContain(email)
  }
  expect(await set('select used_at from refresh_tokens where session_id = $1')).toEqual([{ used_at: null }])
})

test('pages 2: an answer that was lost signs no one out: the token before it shows the page until its successor is used', async () => {
  const { client, tokens, see, set, isLive } = await newPerson()
  const { body: next } = await client.refresh(tokens.refresh_token)
  expect((await see()).status).toBe(200)
  expect((await see(next.refresh_token)).status).toBe(200)
  await set(
    `update refresh_tokens set used_at = used_at - interval '9 minutes' where session_id = $1 and used_at is not null`,
  )
  expect((await see()).status).toBe(200)
  await set(
    `update refresh_tokens set used_at = used_at - interval '2 minutes' where session_id = $1 and used_at is not null`,
  )
  expectNoOne(await see())
  await set(`update refresh_tokens set used_at = now() where session_id = $1 and used_at is not null`)
  await client.refresh(next.refresh_token)
  expectNoOne(await see())
  expect(await isLive(), 'a page that is looked at ends nothing').toBe(true)
})

test('pages 2: no one is there by a token of a session that is over, of an account that is not active, of another tenant, or of none', async () => {
  const { client, tokens, see, set } = await newPerson()
  const { client: other } = await newPerson()
  const there = await other.call('/account', {
    headers: { cookie: `__Host-latchkey=${tokens.refresh_token}` },
  })
  expectNoOne(there)
  for (const wrong of ['', 'x', `lkr_${'A'.repeat(43)}`, tokens.refresh_token.slice(0, -1)])
    expectNoOne(await see(wrong))
  const cookie = `__Host-latchkey=${tokens.refresh_token}`
  const twice = await client.call<string>('/account', { headers: { cookie: `${cookie}; ${cookie}` } })
  expect(twice.status).toBe(400)
  for (const [over, back] of [
    ["idle_expires_at = now() - interval '1 second'", "idle_expires_at = now() + interval '1 day'"],
    ['revoked_at = now()', 'revoked_at = null'],
  ]) {
    await set(`update sessions set ${over} where id = $1`)
    expectNoOne(await see())
    await set(`update sessions set ${back} where id = $1`)
    expect((await see()).status).toBe(200)
  }
  const ofUser = 'where id = (select user_id from sessions where id = $1)'
  await set(`update users set status = 'disabled' ${ofUser}`)
  expectNoOne(await see())
  await set(`update users set status = 'active', access_valid_from = clock_timestamp() ${ofUser}`)
  expectNoOne(await see())
})

test('pages 2: a page renews the session by POST, and every five minutes at most; 20 at once are one', async () => {
  const { client, tokens, set } = await newPerson()
  const renew = async () => {
    const { fields, headers } = await client.pageForm(tokens)
    return createBrowser(service(), client.tenant, { headers }).post('/account', fields)
  }
  const young = await renew()
  expect({ status: young.status, cookies: young.headers.getSetCookie() }).toEqual({
    status: 303,
    cookies: [],
  })
  await set(
    `update refresh_tokens set created_at = created_at - interval '5 minutes 1 second' where session_id = $1`,
  )
  const renewed = await race(20, renew)
  const cookies = renewed.map(({ headers }) => headers.getSetCookie()[0]?.split(';')[0])
  expect(new Set(cookies.filter((cookie) => cookie !== undefined)).size).toBe(1)
  expect(
    await set('select used_at is not null as used from refresh_tokens where session_id = $1 order by 1'),
  ).toEqual([{ used: false }, { used: true }])
})

test('pages 2: what needs a fresh authentication asks for it first, and leads back to where the person was', async () => {
  const { client, tokens, see, set } = await newPerson()
  await set(`update sessions set auth_time = now() - interval '1 hour' where id = $1`)
  const asked = await see(tokens.refresh_token, '/account/password')
  expect(asked.headers.get('location')).toBe('/step-up?return_to=%2Faccount%2Fpassword')
  expect((await see(tokens.refresh_token, '/account/profile')).status).toBe(200)
  const { fields, headers } = await client.pageForm(tokens)
  const { post } = createBrowser(service(), client.tenant, { headers })
  const change = { ...fields, current_password: PASSWORD, new_password: 'new battery staple' }
  const early = await post('/account/password', change)
  expect(early.headers.get('location')).toBe('/step-up?return_to=%2Faccount%2Fpassword')
  const wrong = await post('/step-up?return_to=%2Faccount%2Fpassword', {
    ...fields,
    password: 'not the password',
  })
  expect(wrong).toMatchObject({ status: 401, heading: 'Confirm that it is you' })
  expect(wrong.text).toContain('The password is wrong.')
  const right = await post('/step-up?return_to=%2Faccount%2Fpassword', { ...fields, password: PASSWORD })
  expect(right.headers.get('location')).toBe('/account/password')
  expect((await see(tokens.refresh_token, '/account/password')).status).toBe(200)
  expect((await post('/account/password', change)).headers.get('location')).toBe('/account?done=password')
})
