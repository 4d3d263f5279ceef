/** What signs an account in besides its password moves in with it: authenticator apps, passkeys, identities at providers. */
import { randomBytes, randomUUID } from 'node:crypto'
import { encodeBase32UpperCaseNoPadding } from '@oslojs/encoding'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Challenge, codeAt, verifyMfa } from '../support/authenticator.ts'
import { type Client, countBy, newEmail, race } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { BCRYPT, BCRYPT_PASSWORD, newImporter } from '../support/import-users.ts'
import { coseKey, createPasskey } from '../support/passkey-authenticator.ts'
import { attemptSecondStep, attemptSignIn } from '../support/passkeys.ts'
import { rpIdOf } from '../support/planted-passkeys.ts'
import { useLentService } from '../support/service.ts'
import { newPerson, newTenantWith, signIn, whoIs } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const person = (email: string, rest: object) => ({
  email,
  email_verified: true,
  password_hash: BCRYPT,
  ...rest,
})

const firstStep = async (client: Client, email: string) => {
  const answer = await client.login(email, BCRYPT_PASSWORD)
  expect(answer.status).toBe(200)
  return answer.body as unknown as Challenge
}

const keycloak = (type: string, secretData: object, credentialData: object) => ({
  type,
  secretData: JSON.stringify(secretData),
  credentialData: JSON.stringify(credentialData),
})
const OTP = { subType: 'totp', digits: 6, counter: 0, period: 30, algorithm: 'HmacSHA1' }

describe('factors 10: an authenticator app', () => {
  test.each<[string, object, string]>([
    ['ours, and Clerk’s', { totp_secret: SECRET, mfa_enabled: true }, SECRET],
    ['as people type it', { totp_secret: SECRET.toLowerCase().match(/.{4}/g)?.join(' ') }, SECRET],
    [
      'as the app was shown it',
      { totp_secret: `otpauth://totp/A:b?secret=${SECRET}&digits=6&period=30` },
      SECRET,
    ],
    ['Auth0’s', { mfa_factors: [{ totp: { secret: 'JBSWY3DPEHPK3PXP' } }] }, 'JBSWY3DPEHPK3PXP'],
    [
      'Keycloak’s, the bytes of a text',
      { totp: true, credentials: [keycloak('otp', { value: 'Hello world, 20 byte' }, OTP)] },
      encodeBase32UpperCaseNoPadding(Buffer.from('Hello world, 20 byte')),
    ],
    [
      'Keycloak’s, in base 32',
      { credentials: [keycloak('otp', { value: SECRET }, { ...OTP, secretEncoding: 'BASE32' })] },
      SECRET,
    ],
  ])('is asked for after the password: %s', async (_, said, secret) => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const { body } = await send([person(email, said)])
    expect(body.results).toEqual([{ index: 0, status: 'created', id: expect.any(String) }])
    const first = await firstStep(client, email)
    expect(first).toMatchObject({ status: 'mfa_required', methods: ['totp'] })
    const passed = await verifyMfa(client, first, codeAt(secret))
    expect(passed.status).toBe(200)
    const { body: factors } = await client.call('/v1/mfa', { bearer: passed.body.access_token })
    expect(factors).toMatchObject({ recovery_codes_left: 0 })
  })

  test.each<[string, object, string]>([
    ['of eight digits', { totp_secret: `otpauth://totp/A?secret=${SECRET}&digits=8` }, '/totp_secret'],
    ['of SHA-256', { totp_secret: `otpauth://totp/A?secret=${SECRET}&algorithm=SHA256` }, '/totp_secret'],
    ['that counts', { totp_secret: `otpauth://hotp/A?secret=${SECRET}&counter=1` }, '/totp_secret'],
    [
      'of Keycloak, of SHA-512',
      { credentials: [keycloak('otp', { value: 'x' }, { ...OTP, algorithm: 'HmacSHA512' })] },
      '/credentials',
    ],
    ['that is a phone', { mfa_factors: [{ phone: { value: '+15555550100' } }] }, '/mfa_factors'],
    ['that the other system encrypted', { two_factor_secret: 'eyJpdiI6' }, '/two_factor_secret'],
    ['of recovery codes alone', { backup_codes: ['12345678'] }, '/backup_codes'],
  ])(
    'that cannot be imported costs the import, for the account would arrive without one: %s',
    async (_, said, pointer) => {
      const { send } = await newImporter(service())
      const { body } = await send([person(newEmail(), said)])
      expect(body.results).toEqual([
        { index: 0, status: 'refused', code: 'second_factor_not_supported', pointer },
      ])
    },
  )

  test.each(['JBSWY3DP', 'not base 32!', `${SECRET}1`, 'A'.repeat(300)])(
    'is refused where its secret is none: %s',
    async (totp_secret) => {
      const { send } = await newImporter(service())
      const { body } = await send([person(newEmail(), { totp_secret })])
      expect(body.results).toEqual([
        { index: 0, status: 'refused', code: 'malformed_secret', pointer: '/totp_secret' },
      ])
    },
  )

  test('leaves out recovery codes and what else cannot be imported, and says so; its owner makes new codes', async () => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const mfa_factors = [{ totp: { secret: SECRET } }, { phone: { value: '+15555550100' } }]
    const { body } = await send([person(email, { mfa_factors, backup_codes: ['12345678'] })])
    expect(body.results).toMatchObject([
      {
        status: 'created',
        warnings: [
          { pointer: '/mfa_factors', code: 'second_factor_not_imported' },
          { pointer: '/backup_codes', code: 'recovery_codes_not_imported' },
        ],
      },
    ])
    const first = await firstStep(client, email)
    const { body: tokens } = await verifyMfa(client, first, codeAt(SECRET))
    const made = await client.call<{ recovery_codes: string[] }>('/v1/mfa/recovery-codes', {
      method: 'POST',
      bearer: tokens.access_token,
    })
    expect(made.body.recovery_codes).toHaveLength(10)
  })

  test('is stored sealed, and not at all by a Worker that lacks a key in use', async () => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    await send([person(email, { totp_secret: SECRET })])
    const [row] = await service().sql<{ sealed_secret: string }>(
      'select sealed_secret from totp_factors where tenant_id = $1',
      [client.tenant.id],
    )
    expect(row?.sealed_secret).not.toContain(SECRET)
    await service().sql(`insert into auth_keys (key_id, in_use_since) values ('elsewhere', now())`)
    try {
      const other = newEmail()
      expectProblem(await send([person(other, { totp_secret: SECRET })]), 'upstream_unavailable')
      const { body } = await send([person(other, {})])
      expect(body.results).toMatchObject([{ status: 'created' }])
    } finally {
      await service().sql(`delete from auth_keys where key_id = 'elsewhere'`)
    }
  })
})

/** As another system had it, whose user handles are not ours. */
function movedPasskey(client: Client, rest: object = {}) {
  const asked = {
    rp: { id: rpIdOf(client.tenant) },
    user: { id: randomBytes(32).toString('base64url') },
    challenge: '',
  }
  const { passkey } = createPasskey(asked, client.tenant.origin)
  const said = {
    credential_id: passkey.id.toString('base64url'),
    public_key: coseKey('ES256', passkey.publicKey).toString('base64'),
    rp_id: asked.rp.id,
    counter: 0,
    transports: ['internal'],
    ...rest,
  }
  return { passkey, said }
}

describe('factors 10: a passkey of the same domain', () => {
  test('signs in, and is listed under its name', async () => {
    const { client, send } = await newImporter(service())
    const { passkey, said } = movedPasskey(client, { name: 'Laptop' })
    const email = newEmail()
    const { body } = await send([person(email, { password_hash: null, passkeys: [said] })])
    expect(body.results).toEqual([{ index: 0, status: 'created', id: expect.any(String) }])
    const { answer } = await attemptSignIn(client, passkey)
    expect(answer).toMatchObject({ status: 200, body: { user: { email } } })
    const listed = await client.call('/v1/passkeys', { bearer: answer.body.access_token })
    expect(listed.body).toMatchObject({ data: [{ name: 'Laptop', is_second_factor: false, signs_in: true }] })
  })

  test('is asked for after the password where it was a second factor, Keycloak’s too', async () => {
    const { client, send } = await newImporter(service())
    const { passkey, said } = movedPasskey(client, { second_factor: true })
    const [email, other] = [newEmail(), newEmail()]
    const kept = movedPasskey(client)
    const credential = keycloak(
      'webauthn',
      {},
      {
        credentialId: kept.said.credential_id,
        credentialPublicKey: kept.said.public_key,
        aaguid: '00000000-0000-0000-0000-000000000000',
        counter: 3,
        attestationStatementFormat: 'none',
      },
    )
    const { body } = await send([
      person(email, { passkeys: [said] }),
      person(other, { credentials: [credential], rp_id: kept.said.rp_id }),
    ])
    expect(body.results).toMatchObject([{ status: 'created' }, { status: 'created' }])
    for (const [address, key] of [
      [email, passkey],
      [other, { ...kept.passkey, counter: 3 }],
    ] as const) {
      const first = await firstStep(client, address)
      expect(first).toMatchObject({ status: 'mfa_required', methods: ['passkey'] })
      expect((await attemptSecondStep(client, key, first)).answer.status).toBe(200)
    }
  })

  test('is left out where it is of another domain or cannot be read, and costs the import where it was the second factor', async () => {
    const { client, send } = await newImporter(service())
    const elsewhere = movedPasskey(client, { rp_id: 'elsewhere.example' }).said
    const broken = movedPasskey(client, { public_key: 'AAAA', second_factor: false }).said
    const { body } = await send([
      person(newEmail(), { passkeys: [elsewhere, broken] }),
      person(newEmail(), { passkeys: [{ ...elsewhere, second_factor: true }] }),
      person(newEmail(), { passkeys: [{ id: 'x' }] }),
      person(newEmail(), { passkeys: [{ ...elsewhere, second_factor: true }], totp_secret: SECRET }),
    ])
    expect(body.results).toMatchObject([
      {
        status: 'created',
        warnings: [
          { pointer: '/passkeys/0', code: 'other_rp_id' },
          { pointer: '/passkeys/1', code: 'malformed_passkey' },
        ],
      },
      { status: 'refused', code: 'second_factor_not_supported', pointer: '/passkeys/0' },
      { status: 'refused', code: 'second_factor_not_supported', pointer: '/passkeys/0' },
      { status: 'created', warnings: [{ pointer: '/passkeys/0', code: 'other_rp_id' }] },
    ])
  })

  test('G06: that another account has costs the import, also within one batch; the same file again changes nothing', async () => {
    const { client, send } = await newImporter(service())
    const { said } = movedPasskey(client)
    const [email, thief, twin] = [newEmail(), newEmail(), newEmail()]
    const entry = (address: string) => person(address, { passkeys: [said] })
    const first = await send([entry(email), entry(twin)])
    const taken = { status: 'refused', code: 'passkey_taken', pointer: '/passkeys/0' }
    expect(first.body.results).toMatchObject([{ status: 'created' }, taken])
    const again = await send([entry(email), entry(thief)])
    expect(again.body.results).toMatchObject([{ status: 'exists' }, taken])
  })

  test('G06: of 50 simultaneous imports of one passkey, one is created', async () => {
    const { client, send } = await newImporter(service())
    const { said } = movedPasskey(client)
    const answers = await race(50, () =>
      send([person(newEmail(), { password_hash: null, passkeys: [said] })]),
    )
    const results = answers.flatMap(({ body }) => body.results)
    expect(countBy(results, ({ status, code }) => code ?? status)).toEqual({ created: 1, passkey_taken: 49 })
  })
})

describe('social 7: an identity', () => {
  let provider: IdentityProvider
  beforeAll(async () => {
    provider = await startIdentityProvider()
  })
  afterAll(() => provider.stop())

  test('signs in to the account that it moved in with, whatever address the provider says', async () => {
    const { client, admin } = await newTenantWith(service(), provider)
    const there = newPerson()
    const email = newEmail()
    const identities = [{ issuer: provider.issuer, subject: there.sub, email: there.email }]
    const sent = await client.call('/v1/admin/users/import', {
      bearer: admin.access_token,
      json: { users: [person(email, { identities })] },
    })
    expect(sent.body).toMatchObject({ results: [{ status: 'created' }] })
    const { body } = await whoIs(client, await signIn(client, provider, there))
    expect(body.user.email).toBe(email)
    const listed = await client.call('/v1/identities', { bearer: body.access_token })
    expect(listed.body).toMatchObject({ data: [{ provider: 'idp', email: there.email }] })
  })

  test('that another account has costs the import; one that says no issuer is left out', async () => {
    const { send } = await newImporter(service())
    const identities = [{ issuer: 'https://accounts.google.com', subject: '1234567890' }]
    const auth0 = [
      { provider: 'google-oauth2', user_id: '1234567890', connection: 'google-oauth2', isSocial: true },
    ]
    const { body } = await send([
      person(newEmail(), { identities }),
      person(newEmail(), { identities }),
      person(newEmail(), { identities: auth0 }),
    ])
    expect(body.results).toMatchObject([
      { status: 'created' },
      { status: 'refused', code: 'identity_taken', pointer: '/identities/0' },
      { status: 'created', warnings: [{ pointer: '/identities/0', code: 'not_imported' }] },
    ])
  })
})

test('social 7: the same passkey and identity in another tenant are others', async () => {
  const one = await newImporter(service())
  const two = await newImporter(service())
  const identities = [{ issuer: 'https://github.com', subject: randomUUID() }]
  for (const { send } of [one, two]) {
    const { body } = await send([person(newEmail(), { identities })])
    expect(body.results).toMatchObject([{ status: 'created' }])
  }
})
