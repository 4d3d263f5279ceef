/**
 * What is made for one purpose is nothing for another: each secret of an account, in each place that takes one, is answered as
 * a secret that was never made. The places are derived from the operations, so that a new one that takes a secret is tried too.
 */
import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { EVERY_OPERATION } from '../operations.ts'
import { challenge, codeAt, type Enrolled, enrol, verifyMfa } from '../support/authenticator.ts'
import { type Answer, type Client, newClient, type Tokens } from '../support/client.ts'
import { PURPOSE_NAMES, WAYS } from '../support/redemptions.ts'
import { useService } from '../support/service.ts'

const service = useService({ bindings: { LIMITS_MULTIPLIER: '100000' } })

/** Fields that take a secret of ours, and one of the right form that was never made. */
const UNKNOWN: Record<string, string> = {
  mfa_token: `lkm_${'A'.repeat(43)}`,
  token: `lko_${'A'.repeat(43)}`,
  refresh_token: `lkr_${'A'.repeat(43)}`,
  code: '000000',
}

/** But for the hosted pages: they call the same functions, and repeat what was typed, which the tests' own guard takes for a leak. */
const PLACES = EVERY_OPERATION.filter(
  ({ bodySchema }) => bodySchema.properties?.form_token === undefined,
).flatMap((operation) =>
  Object.keys(operation.bodySchema.properties ?? {})
    .filter((field) => field in UNKNOWN)
    // The provider's own, and nothing that we made.
    .filter((field) => !(operation.id === 'finishPostedSocialSignIn' && field === 'code'))
    .map((field) => ({ name: `${operation.id}: ${field}`, operation, field })),
)
type Place = (typeof PLACES)[number]

/** The kinds of secret that the place is for. */
function isOwn({ operation: { id, path }, field }: Place, kind: string): boolean {
  if (field === 'mfa_token') return kind === (/enrol/i.test(id) ? 'enrolment token' : 'mfa token')
  if (field === 'refresh_token') return kind === 'refresh token'
  if (field === 'token') {
    const purposes = WAYS.find((way) => way.path === path)?.purposes ?? []
    return purposes.some((purpose) => kind === `mailed ${purpose}`)
  }
  if (id === 'verifySignInCode') return kind === 'sign-in code'
  if (id === 'exchangeSocialSignIn') return kind === 'exchange code'
  return kind === 'code of the app'
}

let client: Client
let owner: Enrolled & { tokens: Tokens }
let secrets: Record<string, string>
let cookies: string

beforeAll(async () => {
  client = await newClient(service(), { settings: { trusted_devices: true } })
  const enrolled = await enrol(service(), client, await client.newAccount())
  const { body: tokens } = await verifyMfa(
    client,
    await challenge(client, enrolled.email),
    enrolled.recoveryCodes[9] ?? '',
    'recovery_code',
  )
  owner = { ...enrolled, tokens }
  const mailed: Record<string, string> = {}
  for (const purpose of PURPOSE_NAMES)
    mailed[`mailed ${purpose}`] = (await client.plant(purpose, tokens)).token
  const signIn = await client.plant('sign_in', tokens)
  const trusted = await client.plantedTrust(tokens)
  const ceremony = await client.plantedCeremony({ kind: 'step_up', userId: tokens.user.id })
  const exchange = await client.plantedSocial.exchange(tokens)
  secrets = {
    'access token': tokens.access_token,
    'refresh token': tokens.refresh_token,
    'mfa token': (await challenge(client, enrolled.email)).mfa_token,
    'enrolment token': await enrolmentToken(tokens),
    ...mailed,
    'mailed sign_in': signIn.token,
    'sign-in code': signIn.code,
    'cookie of the link': afterEquals(signIn.cookie),
    'code of the app': codeAt(owner.secret, 1),
    'recovery code': enrolled.recoveryCodes[0] ?? '',
    'trusted device': afterEquals(trusted.cookie),
    'cookie of a passkey': afterEquals(ceremony.cookie),
    'challenge of a passkey': ceremony.challenge,
    'exchange code': exchange.code,
    'exchange verifier': exchange.verifier,
  }
  cookies = signIn.cookie
})

const afterEquals = (cookie: string) => cookie.slice(cookie.indexOf('=') + 1)

/** That can only add a factor, as an account without one would have it. */
async function enrolmentToken({ user }: Tokens): Promise<string> {
  const token = `lkm_${randomBytes(32).toString('base64url')}`
  await service().sql(
    `insert into mfa_challenges (id, tenant_id, user_id, purpose, hash, amr, is_known_browser, expires_at)
     select gen_random_uuid(), tenant_id, id, 'enrol', $2, '{pwd}', false, now() + interval '1 hour' from users where id = $1`,
    [user.id, createHash('sha256').update(token).digest()],
  )
  return token
}

/** The operation's own call with everything that it needs, but for the one secret. */
async function send({ operation, field }: Place, value: string): Promise<string> {
  const { tokens, secret } = owner
  const planted = {
    factorId: '00000000-0000-7000-8000-000000000000',
    secret,
    mfaToken: secrets[/enrol/i.test(operation.id) ? 'enrolment token' : 'mfa token'] ?? '',
  }
  const isSecondStep = field !== 'token' && operation.bodySchema.properties?.mfa_token !== undefined
  const step = isSecondStep && { mfa_token: planted.mfaToken, code: codeAt(secret, 1) }
  const fields = Object.keys(operation.bodySchema.properties ?? {})
  const isForm = !operation.hasBody
  const rest = Object.entries({ ...operation.input(tokens, undefined, planted), ...step })
  const input = {
    ...Object.fromEntries(rest.filter(([name]) => fields.includes(name))),
    [field]: value,
  }
  // Wrong codes count against the account; each is to be heard.
  await service().sql('delete from sign_in_failures where tenant_id = $1', [client.tenant.id])
  await service().sql('update mfa_challenges set attempts = 0 where tenant_id = $1', [client.tenant.id])
  const answer = await client.call(operation.path.replaceAll(/:\w+/g, tokens.session.id), {
    method: operation.method,
    ...(/^(user|admin)$/.test(operation.caller) && { bearer: tokens.access_token }),
    ...(isForm ? { body: new URLSearchParams(input as Record<string, string>).toString() } : { json: input }), // a form has texts
    headers: {
      'sec-fetch-site': 'same-origin',
      cookie: cookies,
      ...(isForm && { 'content-type': 'application/x-www-form-urlencoded', origin: 'null' }),
    },
  })
  return outcomeOf(answer)
}

/** A page has its refusals in words, so its words are compared. */
const outcomeOf = ({ status, body }: Answer<unknown>): string =>
  typeof body === 'string'
    ? `${status} ${body.match(/<p role="alert">[^<]*/)?.[0]}`
    : `${status} ${(body as { code?: string } | null)?.code}`

/** All that one of them could have opened or used up. */
const state = () =>
  service().sql(
    `select to_jsonb(users) - 'updated_at' as account, (select changed_at::text from passwords where user_id = users.id),
       (select jsonb_agg(to_jsonb(s) - 'last_used_at' order by id) from sessions as s where user_id = users.id) as sessions,
       (select jsonb_agg(purpose order by purpose) from one_time_tokens where user_id = users.id and consumed_at is null) as mailed,
       (select count(*)::int from mfa_challenges where user_id = users.id and consumed_at is null) as challenges,
       (select count(*)::int from recovery_codes where user_id = users.id and used_at is null) as codes,
       (select count(*)::int from oauth_exchanges where user_id = users.id) as exchanges
     from users where id = $1`,
    [owner.tokens.user.id],
  )

const LETTERS = /^lk[a-z]_/
/** Of what has not the form of a refresh token. */
const MALFORMED = '401 invalid_grant'

test('there are places of every kind', () => {
  for (const field of Object.keys(UNKNOWN))
    expect(PLACES.filter((place) => place.field === field).length, field).toBeGreaterThan(1)
})

describe.each(PLACES)('factors 1: $name', (place) => {
  test('takes no secret of another purpose, nor one with the letters of its own in front', async () => {
    const before = await state()
    const unknown = await send(place, UNKNOWN[place.field] ?? '')
    // Signing out with a token that is none is what was wanted.
    expect(unknown).toMatch(/^4|^204/)
    for (const [kind, secret] of Object.entries(secrets).filter(([kind]) => !isOwn(place, kind)))
      for (const value of [secret, secret.replace(LETTERS, (UNKNOWN[place.field] ?? '').slice(0, 4))]) {
        const outcome = await send(place, value)
        // An access token is longer than any other secret may be.
        if (kind === 'access token') expect(outcome, kind).toMatch(/^4/)
        else expect([unknown, '422 invalid_input', MALFORMED], `${kind}: ${value}`).toContain(outcome)
      }
    expect(await state()).toEqual(before)
  })
})

const BEARERS = EVERY_OPERATION.filter(({ caller, method }) => caller === 'user' && method === 'GET')

test('factors 1: none of them is an access token, at any operation that takes one', async () => {
  for (const [kind, bearer] of Object.entries(secrets).filter(([kind]) => kind !== 'access token'))
    for (const { path, id } of BEARERS) {
      const { status } = await client.call(path.replaceAll(/:\w+/g, owner.tokens.session.id), { bearer })
      expect(status, `${kind} at ${id}`).toBe(401)
    }
})

test('factors 1: none of them is a cookie that keeps signed in, or that skips the second factor', async () => {
  for (const [kind, value] of Object.entries(secrets)) {
    const headers = { 'sec-fetch-site': 'same-origin' }
    if (kind !== 'refresh token') {
      const cookie = `__Host-latchkey=${value}`
      const refreshed = await client.call('/v1/refresh', { method: 'POST', headers: { ...headers, cookie } })
      expect(refreshed.status, kind).toBe(401)
    }
    if (kind === 'trusted device') continue
    const cookie = `__Host-latchkey-trusted=${value}`
    const { email } = owner
    const json = { email, password: 'correct horse battery' }
    const { body } = await client.call('/v1/login', { json, headers: { ...headers, cookie } })
    expect(body, kind).toMatchObject({ status: 'mfa_required' })
  }
})
