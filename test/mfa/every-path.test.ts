/**
 * Every way to begin a session × what its account and its tenant want of it. The ways are derived from the operations: one that
 * may begin a session and has no row here fails the first test.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EVERY_OPERATION, operationCalled } from '../operations.ts'
import { type Account, type Answer, type Client, newClient, newEmail, PASSWORD } from '../support/client.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { usePasskey } from '../support/passkey-authenticator.ts'
import { type Row, useLentService } from '../support/service.ts'
import { cookieOf, newPerson, newTenantWith, start } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterAll(() => provider.stop())

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36'
const NEW_PASSWORD = 'another battery staple'
const FORM = 'application/x-www-form-urlencoded'

/** What comes of a first factor: a session of that level, a token for the second step, one that can only add a factor, or nothing. */
type Outcome = 'aal1' | 'aal2' | 'verify' | 'enrol' | 'nothing'

type State = {
  settings?: Row
  /** @returns what the browser sends because of it */
  arrange?: (client: Client, account: Account) => Promise<string | undefined>
  outcome: Outcome
}

const set = (column: string, { user }: Account['tokens']) =>
  service().sql(`update users set ${column} where id = $1`, [user.id])

const addApp = async (client: Client, { tokens }: Account) => {
  await client.withFactor(tokens)
  return undefined
}

const STATES: Record<string, State> = {
  'no factor': { outcome: 'aal1' },
  'an app': { arrange: addApp, outcome: 'verify' },
  'an app, where the tenant wants no factors any more': {
    settings: { second_factor: 'off' },
    arrange: addApp,
    outcome: 'verify',
  },
  'a passkey as a second factor': {
    arrange: async (client, { tokens }) => {
      await client.plantedPasskey(tokens, { isSecondFactor: true })
      await set('email_verified_at = now(), second_factor_since = now()', tokens)
      return undefined
    },
    outcome: 'verify',
  },
  'no factor, where the tenant requires one': { settings: { second_factor: 'required' }, outcome: 'enrol' },
  'no factor, where the tenant requires one or a code by email': {
    settings: { second_factor: 'required', second_factor_email_code: true },
    arrange: async (_, { tokens }) => {
      await set('email_verified_at = now()', tokens)
      return undefined
    },
    outcome: 'verify',
  },
  'no factor, and a role that requires one': {
    settings: { second_factor: 'required_for_roles', second_factor_roles: ['auditor'] },
    arrange: async (_, { tokens }) => {
      await set(`roles = '{auditor}'`, tokens)
      return undefined
    },
    outcome: 'enrol',
  },
  'an app, in a trusted browser': {
    settings: { trusted_devices: true },
    arrange: async (client, account) => {
      await addApp(client, account)
      return (await client.plantedTrust(account.tokens, 'Chrome on Linux')).cookie
    },
    outcome: 'aal1',
  },
  'no factor, where the tenant requires one, in a trusted browser': {
    settings: { trusted_devices: true, second_factor: 'required' },
    arrange: async (client, { tokens }) => (await client.plantedTrust(tokens, 'Chrome on Linux')).cookie,
    outcome: 'enrol',
  },
  'a disabled user': {
    arrange: async (_, { tokens }) => {
      await set(`status = 'disabled'`, tokens)
      return undefined
    },
    outcome: 'nothing',
  },
}

type Given = {
  client: Client
  account: Account
  /** Of a call: the browser's name, and its cookies with those of the way. */
  headers: (cookie?: string) => Record<string, string>
}

type Way = {
  /** The operations whose answer begins what begins. */
  operations: readonly string[]
  newClient?: () => Promise<Client>
  arrange?: (given: Given) => Promise<unknown>
  /** Passes the first factor. */
  pass: (given: Given) => Promise<Answer<unknown>>
  /** Where it is not that of the state. */
  outcomes?: Partial<Record<string, Outcome>>
  /** Of every state. */
  outcome?: Outcome
}

const social = async () => (await newTenantWith(service(), provider)).client

/** A person of the provider who has this account. */
async function personOf({ client, account }: Given) {
  const person = newPerson(account.email)
  await service().sql(
    `insert into identities (id, tenant_id, user_id, provider, issuer, subject, email_at_link)
     values (gen_random_uuid(), $1, $2, 'idp', $3, $4, $5)`,
    [client.tenant.id, account.tokens.user.id, provider.issuer, person.sub, account.email],
  )
  return person
}

/** Every state but a disabled user ends in AAL2: a passkey that verified its user is two factors. */
const BY_ITSELF = Object.fromEntries(
  Object.entries(STATES).map(
    ([name, { outcome }]) => [name, outcome === 'nothing' ? outcome : 'aal2'] as const,
  ),
)

/** A mailed code proves nothing after the mailbox. */
const BY_EMAIL = { 'no factor, where the tenant requires one or a code by email': 'enrol' } as const

/** A new password ends trust. */
const UNTRUSTED = { 'an app, in a trusted browser': 'verify' } as const

/** Nothing that another account has is theirs, and they have no role and no proved address. */
const AS_NEW = Object.fromEntries(
  Object.entries(STATES).map(
    ([name, { settings }]) => [name, settings?.second_factor === 'required' ? 'enrol' : 'aal1'] as const,
  ),
)

const login = ({ client, account, headers }: Given, password = PASSWORD) =>
  client.call('/v1/login', { json: { email: account.email, password }, headers: headers() })

/** Redeems a mailed token that sets a password, and signs in with that. */
const byNewPassword =
  (path: string, purpose: 'reset_password' | 'invitation') =>
  async (given: Given): Promise<Answer<unknown>> => {
    const { client, account, headers } = given
    const { token } = await client.plant(purpose, account.tokens)
    const set = await client.call(path, { json: { token, password: NEW_PASSWORD }, headers: headers() })
    expect(set.body).not.toHaveProperty('access_token')
    return login(given, NEW_PASSWORD)
  }

const WAYS: Record<string, Way> = {
  'a password': { operations: ['login'], pass: login },
  'a registration, of an address without an account': {
    operations: ['register'],
    pass: ({ client, headers }) =>
      client.call('/v1/register', { json: { email: newEmail(), password: PASSWORD }, headers: headers() }),
    outcomes: AS_NEW,
  },
  'a registration, of the address of the account': {
    operations: ['register'],
    pass: ({ client, account: { email }, headers }) =>
      client.call('/v1/register', { json: { email, password: PASSWORD }, headers: headers() }),
    outcome: 'nothing',
  },
  'a code by email': {
    operations: ['verifySignInCode'],
    pass: async ({ client, account: { email, tokens }, headers }) => {
      const { code } = await client.plant('sign_in', tokens)
      return client.call('/v1/email/code/verify', { json: { email, code }, headers: headers() })
    },
    outcomes: BY_EMAIL,
  },
  'a link by email': {
    operations: ['verifySignInLink'],
    pass: async ({ client, account: { tokens }, headers }) => {
      const { token, cookie } = await client.plant('sign_in', tokens)
      return client.call('/v1/email/link/verify', { json: { token }, headers: headers(cookie) })
    },
    outcomes: BY_EMAIL,
  },
  'the page of a link': {
    operations: ['signInPageForm'],
    pass: async ({ client, account: { tokens }, headers }) => {
      const { token, cookie } = await client.plant('sign_in', tokens)
      const body = new URLSearchParams({ token }).toString()
      return client.call('/link/sign-in', { body, headers: { ...headers(cookie), 'content-type': FORM } })
    },
    outcomes: BY_EMAIL,
  },
  'the page of a password': {
    operations: ['passwordSignInPageForm'],
    pass: (given) => post(given, '/sign-in', { email: given.account.email, password: PASSWORD }),
  },
  'the page of a registration, of an address without an account': {
    operations: ['signUpPageForm'],
    pass: (given) => post(given, '/sign-up', { email: newEmail(), password: PASSWORD }),
    outcomes: AS_NEW,
  },
  'the page of a registration, of the address of the account': {
    operations: ['signUpPageForm'],
    pass: (given) => post(given, '/sign-up', { email: given.account.email, password: PASSWORD }),
    outcome: 'nothing',
  },
  'the page of a code by email': {
    operations: ['enterCodePageForm'],
    pass: async (given) => {
      const { email, tokens } = given.account
      const { code } = await given.client.plant('sign_in', tokens)
      return post(given, '/sign-in/code/enter', { email, code })
    },
    outcomes: BY_EMAIL,
  },
  'the page of a passkey': {
    operations: ['passkeySignInPageForm'],
    pass: async (given) => {
      const { client, account } = given
      const { passkey } = await client.plantedPasskey(account.tokens)
      const { challenge, cookie } = await client.plantedCeremony({ kind: 'sign_in', userId: null })
      const credential = usePasskey(passkey, { challenge }, client.tenant.origin)
      return post(given, '/sign-in/passkey', { credential: JSON.stringify(credential) }, cookie)
    },
    outcomes: BY_ITSELF,
  },
  'a password that was reset': {
    operations: ['login'],
    pass: byNewPassword('/v1/password/reset', 'reset_password'),
    outcomes: UNTRUSTED,
  },
  'a password of an invitation': {
    operations: ['login'],
    pass: byNewPassword('/v1/invitations/accept', 'invitation'),
    outcomes: UNTRUSTED,
  },
  'a provider, with cookies': {
    operations: ['finishSocialSignIn'],
    newClient: social,
    pass: async (given) => {
      const { url, cookie } = await start(given.client)
      const back = provider.consent(url, await personOf(given))
      return comeBackWith(given, back, cookie)
    },
  },
  'a provider that posts': {
    operations: ['finishPostedSocialSignIn'],
    newClient: social,
    pass: async (given) => {
      const { url, cookie } = await start(given.client)
      const body = new URLSearchParams(provider.consent(url, await personOf(given))).toString()
      const headers = {
        ...given.headers(cookie.replace('-oauth=', '-oauth-post=')),
        'content-type': FORM,
        'sec-fetch-site': 'cross-site',
      }
      return given.client.call('/v1/oauth/idp/callback', { body, headers })
    },
  },
  'a provider, with a code for an app': {
    operations: ['exchangeSocialSignIn'],
    pass: async ({ client, account: { tokens }, headers }) => {
      const { code, verifier } = await client.plantedSocial.exchange(tokens)
      return client.call('/v1/oauth/exchange', {
        json: { code, code_verifier: verifier },
        headers: headers(),
      })
    },
  },
  'a passkey': {
    operations: ['finishPasskeySignIn'],
    pass: async ({ client, account: { tokens }, headers }) => {
      const { passkey } = await client.plantedPasskey(tokens)
      const { challenge, cookie } = await client.plantedCeremony({ kind: 'sign_in', userId: null })
      const credential = usePasskey(passkey, { challenge }, client.tenant.origin)
      return client.call('/v1/passkeys/login/verify', { json: { credential }, headers: headers(cookie) })
    },
    outcomes: BY_ITSELF,
  },
}

/** Sends the form of a hosted page. */
async function post(
  { client, headers }: Given,
  path: string,
  input: Record<string, string>,
  besides?: string,
) {
  const form = await client.pageForm(null)
  const body = new URLSearchParams({ ...form.fields, ...input }).toString()
  return client.call(path, {
    body,
    headers: {
      ...headers([form.headers.cookie, besides].filter((one) => one).join('; ')),
      'content-type': FORM,
      origin: client.tenant.origin,
    },
  })
}

const comeBackWith = ({ client, headers }: Given, back: Record<string, string>, cookie: string) =>
  client.call(`/v1/oauth/idp/callback?${new URLSearchParams(back)}`, { headers: headers(cookie) })

/** Second steps: what they take is a token of a first factor, and their own tests say what they want besides. */
const SECOND_STEPS = [
  'verifyMfa',
  'verifyMfaWithPasskey',
  'confirmEnrolment',
  'secondFactorPageForm',
  'passkeySecondFactorPageForm',
  'enrolCodePageForm',
]

const mayBegin = EVERY_OPERATION.filter(
  ({ caller, setsCookie, problems }) =>
    caller === 'anyone' && (setsCookie || problems.includes('second_factor_required')),
).map(({ id }) => id)

const first = [...new Set(Object.values(WAYS).flatMap(({ operations }) => operations))]

test('every operation that may begin a session without one has its row, or begins nothing', async () => {
  expect(mayBegin).toEqual(expect.arrayContaining([...first, ...SECOND_STEPS]))
  const rest = mayBegin.filter((id) => ![...first, ...SECOND_STEPS].includes(id))
  const client = await newClient(service())
  const { tokens } = await client.newAccount()
  for (const id of rest) {
    const answer = await operationCalled(id).call(client, tokens)
    expect(answer.status, id).toBeLessThan(400)
    // What was made for the call may have a challenge.
    const sessions = (await begun(client, tokens.session.id)).filter((what) => what.startsWith('aal'))
    expect(sessions, id).toEqual([])
  }
})

/** What the tenant's accounts have been given, but for the session with which it was arranged. */
async function begun(client: Client, ...besides: string[]): Promise<string[]> {
  const rows = await service().sql<{ what: string }>(
    `select 'aal' || aal as what from sessions where tenant_id = $1 and not id = any ($2)
     union all
     select case purpose when 'sign_in' then 'verify' else purpose end from mfa_challenges
     where tenant_id = $1 and not id = any ($2)`,
    [client.tenant.id, besides],
  )
  return rows.map(({ what }) => what)
}

/** Whether the answer has anything with which its caller is signed in. */
const isSignedIn = ({ body, headers }: Answer<unknown>) =>
  /"(access|refresh)_token"/.test(JSON.stringify(body)) || /__Host-latchkey=[^;]/.test(cookieOf(headers))

describe.each(Object.entries(WAYS))('factors 1: by %s', (_, way) => {
  test.each(Object.entries(STATES))('%s', async (name, state) => {
    const client = await (way.newClient?.() ?? newClient(service()))
    const account = await client.newAccount()
    const trusted = await state.arrange?.(client, account)
    await service().sql('update tenants set settings = settings || $2 where id = $1', [
      client.tenant.id,
      JSON.stringify(state.settings ?? {}),
    ])
    const before = await service().sql<{ id: string }>(
      'select id from sessions where tenant_id = $1 union all select id from mfa_challenges where tenant_id = $1',
      [client.tenant.id],
    )
    const headers = (cookie?: string) => ({
      'user-agent': CHROME,
      'sec-fetch-site': 'same-origin',
      cookie: [trusted, cookie].filter((one) => one).join('; '),
    })
    const answer = await way.pass({ client, account, headers })
    const expected = way.outcome ?? way.outcomes?.[name] ?? state.outcome
    const outcome = await begun(client, ...before.map(({ id }) => id))
    expect(outcome, JSON.stringify(answer.body)).toEqual(expected === 'nothing' ? [] : [expected])
    expect(isSignedIn(answer)).toBe(expected.startsWith('aal'))
  })
})
