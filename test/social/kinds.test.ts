/**
 * Each kind of provider as it is: under its own addresses, which are looked up and called as in production, against fakes that
 * refuse what it refuses (test/support/world.ts).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, newClient, newEmail } from '../support/client.ts'
import { APPLE_TEAM } from '../support/companies/apple.ts'
import { PERSONAL_ACCOUNTS } from '../support/companies/microsoft.ts'
import { expectProblem } from '../support/expect.ts'
import { a, type Resolver, startResolver } from '../support/resolver.ts'
import { type Service, startService } from '../support/service.ts'
import {
  APP,
  addProvider,
  comeBack,
  postBack,
  RETURN,
  start,
  startLink,
  told,
  whoIs,
} from '../support/social.ts'
import { COMPANIES, HOSTS, type KindName, startWorld, type World } from '../support/world.ts'

let world: World
let resolver: Resolver
let service: Service

beforeAll(async () => {
  world = await startWorld()
  resolver = await startResolver()
  for (const host of HOSTS) resolver.set(host, { A: a('93.184.215.14') })
  service = await startService({
    worldUrl: world.url,
    bindings: {
      LIMITS_MULTIPLIER: '1000',
      WEBHOOK_PRIVATE_TARGETS: 'refused',
      DNS_OVER_HTTPS_URL: resolver.url,
    },
  })
}, 120_000)
afterAll(async () => {
  await service?.stop()
  await Promise.all([resolver?.stop(), world?.stop()])
})

const COMMON = 'https://login.microsoftonline.com/common/v2.0'
const ROWS: Record<KindName, () => Record<string, unknown>> = {
  google: () => ({}),
  microsoft: () => ({ issuer: COMMON }),
  apple: () => ({ client_secret: world.applePrivateKey, settings: APPLE_TEAM }),
  github: () => ({}),
  facebook: () => ({}),
}

async function newTenantWith(kind: KindName, row: Record<string, unknown> = {}) {
  const client = await newClient(service, { allowedOrigins: [APP], settings: { redirect_uris: [RETURN] } })
  world.allow([`${client.tenant.origin}/v1/oauth/${kind}/callback`])
  const { tokens } = await client.signUpAdmin()
  const { id, secret } = COMPANIES[kind].client
  const added = await addProvider(client, tokens.access_token, {
    slug: kind,
    kind,
    client_id: id,
    client_secret: secret,
    ...ROWS[kind](),
    ...row,
  })
  expect(added.status, JSON.stringify(added.body)).toBe(201)
  return client
}

/** A browser that goes there, agrees, and comes back as the kind sends it back. */
async function signIn(client: Client, kind: KindName, person: Record<string, unknown>) {
  const { url, cookie } = await start(client, {}, kind)
  const returned = world.consent(url, person)
  return (kind === 'apple' ? postBack : comeBack)(client, returned, cookie, kind)
}

async function identityOf({ tenant }: Client) {
  const rows = await service.sql(
    'select issuer, subject, email_at_link from identities where tenant_id = $1',
    [tenant.id],
  )
  return rows
}

const KINDS = Object.keys(COMPANIES) as KindName[] // exactly the keys of that table

describe.each(KINDS.filter((kind) => kind !== 'facebook'))('%s', (kind) => {
  test('signs a new person up, by their name and a proved address, and in again', async () => {
    const client = await newTenantWith(kind)
    const person = COMPANIES[kind].newPerson()
    const { body } = await whoIs(client, await signIn(client, kind, person))
    const [identity] = await identityOf(client)
    expect(body.user).toMatchObject({
      email_verified: true,
      name: 'Ada Lovelace',
      email: identity?.email_at_link,
    })
    expect(identity?.subject).toBe(String(person.sub ?? person.id))
    const again = await whoIs(client, await signIn(client, kind, person))
    expect(again.body.user.id).toBe(body.user.id)
    expect(await identityOf(client)).toHaveLength(1)
  })
})

describe.each(KINDS)('%s', (kind) => {
  test('which does not take our secret: no one is signed in, nothing is made, and it is no 401', async () => {
    const wrong =
      kind === 'apple' ? { settings: { ...APPLE_TEAM, key_id: 'KEY7654321' } } : { client_secret: 'wrong' }
    const client = await newTenantWith(kind, wrong)
    const back = await signIn(client, kind, COMPANIES[kind].newPerson())
    if (back.status === 303) expect(told(back)).toMatchObject({ error: 'login_failed' })
    else expectProblem(back, 'upstream_unavailable')
    expect(back.headers.getSetCookie()).toEqual([])
    expect(await identityOf(client)).toEqual([])
  })
})

describe('Google', () => {
  test('speaks for the addresses that it hosts, gmail.com and those of a Workspace, and for no others', async () => {
    const client = await newTenantWith('google')
    const person = COMPANIES.google.newPerson()
    const elsewhere = { ...person, email: newEmail() }
    expect(told(await signIn(client, 'google', elsewhere))).toMatchObject({ error: 'email_not_verified' })
    const hosted = { ...person, email: 'ada@workspace.example', hd: 'workspace.example' }
    expect((await whoIs(client, await signIn(client, 'google', hosted))).body.user.email).toBe(hosted.email)
  })
})

describe('Microsoft', () => {
  const issuerOf = (tid: unknown) => `https://login.microsoftonline.com/${tid}/v2.0`

  test('of any directory: a person is of the issuer of theirs', async () => {
    const client = await newTenantWith('microsoft')
    const person = COMPANIES.microsoft.newPerson()
    await signIn(client, 'microsoft', person)
    expect(await identityOf(client)).toMatchObject([{ issuer: issuerOf(person.tid), subject: person.sub }])
  })

  test('the same subject in another directory is someone else', async () => {
    const client = await newTenantWith('microsoft')
    const { sub } = COMPANIES.microsoft.newPerson()
    await signIn(client, 'microsoft', { ...COMPANIES.microsoft.newPerson(), sub })
    await signIn(client, 'microsoft', { ...COMPANIES.microsoft.newPerson(), sub })
    expect(new Set((await identityOf(client)).map(({ issuer }) => issuer)).size).toBe(2)
  })

  test('a token that names one directory and another issuer is refused', async () => {
    const client = await newTenantWith('microsoft')
    const [person, other] = [COMPANIES.microsoft.newPerson(), COMPANIES.microsoft.newPerson()]
    const back = await signIn(client, 'microsoft', { ...person, iss: issuerOf(other.tid) })
    expect(told(back)).toMatchObject({ error: 'login_failed' })
    expect(told(await signIn(client, 'microsoft', { ...person, tid: 'common' }))).toMatchObject({
      error: 'login_failed',
    })
  })

  test('of one directory: a person of another is refused', async () => {
    const [own, other] = [COMPANIES.microsoft.newPerson(), COMPANIES.microsoft.newPerson()]
    const client = await newTenantWith('microsoft', { issuer: issuerOf(own.tid) })
    expect(told(await signIn(client, 'microsoft', other))).toMatchObject({ error: 'login_failed' })
    expect((await whoIs(client, await signIn(client, 'microsoft', own))).status).toBe(200)
  })

  test('the key of personal accounts signs for no directory', async () => {
    const client = await newTenantWith('microsoft')
    world.signWith('personal')
    try {
      const back = await signIn(client, 'microsoft', COMPANIES.microsoft.newPerson())
      expect(told(back)).toMatchObject({ error: 'login_failed' })
      const tid = PERSONAL_ACCOUNTS
      const personal = await signIn(client, 'microsoft', { ...COMPANIES.microsoft.newPerson(), tid })
      expect((await whoIs(client, personal)).status).toBe(200)
    } finally {
      world.signWith('directories')
    }
  })

  test('an address that an administrator of some directory wrote down proves nothing (nOAuth)', async () => {
    const client = await newTenantWith('microsoft')
    const { email } = await client.signUp()
    for (const xms_edov of [undefined, false, 0, '0'])
      expect(
        told(
          await signIn(client, 'microsoft', {
            ...COMPANIES.microsoft.newPerson(),
            email,
            xms_edov,
            email_verified: true,
          }),
        ),
      ).toMatchObject({ error: 'email_not_verified' })
    expect(await identityOf(client)).toEqual([])
  })
})

describe('Apple', () => {
  test('says the name the first time alone, and what a browser says of it later changes nothing', async () => {
    const client = await newTenantWith('apple')
    const person = COMPANIES.apple.newPerson()
    const { url, cookie } = await start(client, {}, 'apple')
    expect(cookie).toMatch(/^__Host-latchkey-oauth-post=/)
    const returned = world.consent(url, person)
    expect(returned.user).toBeDefined()
    const { body } = await whoIs(client, await postBack(client, returned, cookie, 'apple'))
    const next = await start(client, {}, 'apple')
    const later = world.consent(next.url, person)
    expect(later.user).toBeUndefined()
    const user = JSON.stringify({
      name: { firstName: 'Mallory', lastName: '' },
      email: 'mallory@example.com',
    })
    const again = await whoIs(client, await postBack(client, { ...later, user }, next.cookie, 'apple'))
    expect(again.body.user).toEqual(body.user)
    expect(again.body.user).toMatchObject({ name: 'Ada Lovelace', email: person.email })
  })

  test('a person without a name, or with nonsense for one, is signed up without', async () => {
    const client = await newTenantWith('apple')
    for (const user of [
      '{',
      '[]',
      '{"name":"Ada"}',
      '{"name":{"firstName":7}}',
      '{"name":{}}',
      'x'.repeat(7000),
    ]) {
      const { url, cookie } = await start(client, {}, 'apple')
      const { user: _, ...returned } = world.consent(url, COMPANIES.apple.newPerson())
      const back = await postBack(client, { ...returned, user }, cookie, 'apple')
      expect((await whoIs(client, back)).body.user).toMatchObject({ name: null })
    }
  })

  test('comes back with a cookie that a form of another site carries, for ten minutes, of that flow alone', async () => {
    const client = await newTenantWith('apple')
    const { answer } = await start(client, {}, 'apple')
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-latchkey-oauth-post=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=None$/,
      ),
    ])
  })
})

describe('GitHub', () => {
  test('an address that is primary and not verified proves nothing', async () => {
    const client = await newTenantWith('github')
    const { email } = await client.signUp()
    const emails = [
      { email, primary: true, verified: false, visibility: null },
      { email: newEmail(), primary: false, verified: true, visibility: null },
    ]
    const back = await signIn(client, 'github', { ...COMPANIES.github.newPerson(), emails })
    expect(told(back)).toMatchObject({ error: 'email_not_verified' })
    expect(await identityOf(client)).toEqual([])
  })

  test('a login that changes hands takes no account with it: the number counts', async () => {
    const client = await newTenantWith('github')
    const [owner, newcomer] = [COMPANIES.github.newPerson(), COMPANIES.github.newPerson()]
    const first = await whoIs(client, await signIn(client, 'github', owner))
    const second = await whoIs(client, await signIn(client, 'github', { ...newcomer, login: owner.login }))
    expect(second.body.user.id).not.toBe(first.body.user.id)
  })
})

describe('Facebook', () => {
  test('does not say whether an address is proved: no account is made or linked by it', async () => {
    const client = await newTenantWith('facebook')
    const { email } = await client.signUp()
    const back = await signIn(client, 'facebook', { ...COMPANIES.facebook.newPerson(), email })
    expect(told(back)).toMatchObject({ error: 'email_not_verified' })
  })

  test('signs in the person who linked it, by the id that it has for them', async () => {
    const client = await newTenantWith('facebook')
    const { tokens } = await client.signUp()
    const person = COMPANIES.facebook.newPerson()
    const { url, cookie } = await startLink(client, tokens, 'facebook')
    const returned = world.consent(url, person)
    expect(told(await comeBack(client, returned, cookie, 'facebook'))).toMatchObject({ linked: 'true' })
    const { body: session } = await whoIs(client, await signIn(client, 'facebook', person))
    expect(session.user.id).toBe(tokens.user.id)
  })
})

test('every address that was called was looked up first, and none was another', () => {
  const called = new Set(world.hits.map((href) => new URL(href).host))
  for (const host of called) {
    expect(HOSTS).toContain(host)
    expect(resolver.asked(host).length).toBeGreaterThan(0)
  }
})
