/** Files of other systems, in the form that each documents: every person arrives with what signs them in. Synthetic data. */
import { pbkdf2Sync, randomBytes, randomUUID, scryptSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createOperatorContext } from '../../ops/context.ts'
import { importUsers, type LineReport } from '../../ops/import.ts'
import { mapFile, SYSTEMS } from '../../ops/import-from/map.ts'
import { type Challenge, codeAt, verifyMfa } from '../support/authenticator.ts'
import { type Client, newClient, newEmail } from '../support/client.ts'
import { BCRYPT, BCRYPT_PASSWORD, FIREBASE_CONFIG, firebaseUser } from '../support/import-users.ts'
import { coseKey, createPasskey } from '../support/passkey-authenticator.ts'
import { attemptSignIn } from '../support/passkeys.ts'
import { rpIdOf } from '../support/planted-passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-from-'))
afterAll(() => rmSync(folder, { recursive: true }))

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const lines = (...rows: object[]) => rows.map((row) => JSON.stringify(row)).join('\n')

/** What the command makes of a file with that text. */
async function importFrom(system: keyof typeof SYSTEMS, client: Client, text: string) {
  const file = path.join(folder, randomUUID())
  writeFileSync(file, text)
  const reports: LineReport[] = []
  const rpId = rpIdOf(client.tenant)
  const into = { tenantId: client.tenant.id, rpId, firebase: FIREBASE_CONFIG }
  const { DATABASE_URL = '', AUTH_KEYS = '' } = service().bindings
  const bindings = { ENVIRONMENT: 'local', DATABASE_URL, AUTH_KEYS }
  const operator = createOperatorContext(bindings, ['DATABASE_URL', 'AUTH_KEYS'])
  await importUsers(operator, into, mapFile(system, file, { rpId }), (report) => reports.push(report))
  return reports
}

/** By the password; then by the app, where one is asked for. */
async function signIn(
  client: Client,
  email: string,
  password = BCRYPT_PASSWORD,
  secret: string | null = null,
) {
  const answer = await client.login(email, password)
  expect(answer.status).toBe(200)
  if (secret === null) return answer.body
  const first = answer.body as unknown as Challenge
  expect(first).toMatchObject({ status: 'mfa_required', methods: ['totp'] })
  const passed = await verifyMfa(client, first, codeAt(secret))
  expect(passed.status).toBe(200)
  return passed.body
}

const identitiesOf = async (client: Client, email: string) =>
  (
    await service().sql(
      `select issuer, subject from identities join users on users.id = identities.user_id
       where users.tenant_id = $1 and users.email = $2 order by issuer`,
      [client.tenant.id, email],
    )
  ).map(({ issuer, subject }) => `${issuer} ${subject}`)

const created = (...warnings: string[]) => ({
  status: 'created',
  ...(warnings.length > 0 && { warnings: warnings.map((pointer) => expect.objectContaining({ pointer })) }),
})

const subject = () => randomBytes(8).readBigUInt64BE().toString()

describe('files 8: --from', () => {
  test('auth0 takes the export of users, that of hashes, and a file for its bulk import', async () => {
    const client = await newClient(service())
    const [social, hashed, bulk] = [newEmail(), newEmail(), newEmail()]
    const google = subject()
    const exported = await importFrom(
      'auth0',
      client,
      lines({
        user_id: `google-oauth2|${google}`,
        email: social,
        email_verified: true,
        name: 'Ada Lovelace',
        given_name: 'Ada',
        picture: 'https://example.com/a.png',
        identities: [
          { user_id: google, provider: 'google-oauth2', connection: 'google-oauth2', isSocial: true },
          {
            user_id: 'x',
            provider: 'auth0',
            connection: 'Username-Password-Authentication',
            isSocial: false,
          },
        ],
        created_at: '2024-01-31T13:20:11.123Z',
      }),
    )
    expect(exported).toMatchObject([{ line: 1, ...created('/user_id', '/picture', '/created_at') }])
    expect(await identitiesOf(client, social)).toEqual([`https://accounts.google.com ${google}`])
    const hashes = {
      _id: { $oid: '60425dc43519d90068f82973' },
      email: hashed,
      email_verified: true,
      passwordHash: BCRYPT,
      password_set_date: { $date: '2021-03-05T16:34:58.812Z' },
      tenant: 'dev',
      connection: 'Username-Password-Authentication',
      _tmp_is_unique: true,
    }
    expect(await importFrom('auth0', client, lines(hashes))).toMatchObject([{ status: 'created' }])
    await signIn(client, hashed)
    const users = [
      {
        email: bulk,
        email_verified: true,
        custom_password_hash: { algorithm: 'bcrypt', hash: { value: BCRYPT } },
        mfa_factors: [{ totp: { secret: SECRET } }],
        app_metadata: { plan: 'gold' },
      },
    ]
    expect(await importFrom('auth0', client, JSON.stringify(users, null, 2))).toMatchObject([
      created('/app_metadata'),
    ])
    await signIn(client, bulk, BCRYPT_PASSWORD, SECRET)
  })

  test('clerk takes the CSV of the Dashboard, and the answers of its Backend API', async () => {
    const client = await newClient(service())
    const [email, unproved, other] = [newEmail(), newEmail(), newEmail()]
    const head =
      'id,first_name,last_name,username,primary_email_address,primary_phone_number,verified_email_addresses,unverified_email_addresses,verified_phone_numbers,unverified_phone_numbers,totp_secret,password_digest,password_hasher'
    const csv = [
      head,
      `user_1,"Ada ""The Countess""",Lovelace,,${email},,${email},,,,${SECRET},${BCRYPT},bcrypt`,
      `user_2,,,,${unproved},,,${unproved},,,,${BCRYPT},bcrypt`,
      '',
    ].join('\r\n')
    expect(await importFrom('clerk', client, csv)).toMatchObject([
      { status: 'created' },
      { status: 'created' },
    ])
    const { user } = await signIn(client, email, BCRYPT_PASSWORD, SECRET)
    expect(user).toMatchObject({ name: 'Ada "The Countess" Lovelace', email_verified: true })
    expect((await signIn(client, unproved)).user).toMatchObject({ email_verified: false })
    const google = subject()
    const api = {
      id: 'user_3',
      first_name: 'Grace',
      last_name: null,
      primary_email_address_id: 'idn_1',
      email_addresses: [{ id: 'idn_1', email_address: other, verification: { status: 'verified' } }],
      external_accounts: [{ provider: 'oauth_google', provider_user_id: google, email_address: other }],
      password_enabled: true,
      two_factor_enabled: false,
      totp_enabled: false,
      backup_code_enabled: false,
      passkeys: [],
      banned: false,
      locked: false,
      public_metadata: {},
    }
    const withFactor = {
      ...api,
      email_addresses: [{ id: 'idn_1', email_address: newEmail(), verification: null }],
      two_factor_enabled: true,
      totp_enabled: true,
      external_accounts: [],
    }
    expect(await importFrom('clerk', client, JSON.stringify([api, withFactor]))).toMatchObject([
      { status: 'created' },
      { status: 'refused', code: 'second_factor_not_supported' },
    ])
    expect(await identitiesOf(client, other)).toEqual([`https://accounts.google.com ${google}`])
  })

  test('supabase takes rows of auth.users with their identities and factors', async () => {
    const client = await newClient(service())
    const [email, banned] = [newEmail(), newEmail()]
    const github = subject()
    const row = {
      id: randomUUID(),
      aud: 'authenticated',
      role: 'authenticated',
      email,
      encrypted_password: BCRYPT,
      email_confirmed_at: '2024-01-31T13:20:11.123456+00:00',
      confirmed_at: '2024-01-31T13:20:11.123456+00:00',
      confirmation_token: '',
      recovery_sent_at: '2024-01-31T13:20:11.123456+00:00',
      raw_app_meta_data: { provider: 'email', providers: ['email', 'github'] },
      raw_user_meta_data: { full_name: 'Ada Lovelace', avatar_url: 'https://example.com/a.png' },
      is_super_admin: null,
      banned_until: null,
      is_sso_user: false,
      identities: [
        { provider: 'email', provider_id: email, identity_data: { sub: email, email } },
        {
          provider: 'github',
          provider_id: github,
          identity_data: { sub: github, iss: 'https://api.github.com', email },
        },
      ],
      mfa_factors: [
        { factor_type: 'totp', status: 'verified', secret: SECRET, friendly_name: 'Phone' },
        { factor_type: 'totp', status: 'unverified', secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
      ],
    }
    const reports = await importFrom(
      'supabase',
      client,
      lines(row, {
        ...row,
        email: banned,
        banned_until: '2999-01-01T00:00:00Z',
        identities: null,
        mfa_factors: null,
      }),
    )
    expect(reports).toMatchObject([{ status: 'created' }, { status: 'created' }])
    const { user } = await signIn(client, email, BCRYPT_PASSWORD, SECRET)
    expect(user).toMatchObject({ name: 'Ada Lovelace', email_verified: true })
    expect(await identitiesOf(client, email)).toEqual([`https://github.com ${github}`])
    expect((await client.login(banned, BCRYPT_PASSWORD)).status).toBe(401)
  })

  test('firebase takes what auth:export writes', async () => {
    const client = await newClient(service())
    const [email, other] = [newEmail(), newEmail()]
    const { hash, salt } = firebaseUser('user1password')
    const google = subject()
    const users = [
      {
        localId: 'a1',
        email,
        emailVerified: true,
        passwordHash: hash,
        salt,
        displayName: 'Ada',
        lastSignedInAt: '1706707211123',
        createdAt: '1706707211123',
        providerUserInfo: [
          { providerId: 'google.com', rawId: google, email, displayName: 'Ada' },
          { providerId: 'password', rawId: email, email },
        ],
      },
      { localId: 'a2', email: other, mfaInfo: [{ mfaEnrollmentId: 'x', phoneInfo: '+15555550100' }] },
    ]
    expect(await importFrom('firebase', client, JSON.stringify({ users }, null, 2))).toMatchObject([
      { status: 'created' },
      { status: 'refused', code: 'second_factor_not_supported', pointer: '/mfaInfo' },
    ])
    await signIn(client, email, 'user1password')
    expect(await identitiesOf(client, email)).toEqual([`https://accounts.google.com ${google}`])
  })

  test('cognito takes the answers of list-users', async () => {
    const client = await newClient(service())
    const [email, other] = [newEmail(), newEmail()]
    const google = subject()
    const attributes = (address: string, ...more: [string, string][]) =>
      [['sub', randomUUID()], ['email', address], ['email_verified', 'true'], ...more].map(
        ([Name, Value]) => ({ Name, Value }),
      )
    const identity = {
      userId: google,
      providerName: 'Google',
      providerType: 'Google',
      issuer: null,
      primary: 'true',
    }
    const Users = [
      {
        Username: 'ada',
        Attributes: attributes(
          email,
          ['name', 'Ada'],
          ['custom:plan', 'gold'],
          ['identities', JSON.stringify([identity])],
        ),
        UserCreateDate: '2024-01-31T13:20:11.123000+01:00',
        Enabled: true,
        UserStatus: 'EXTERNAL_PROVIDER',
      },
      {
        Username: 'eve',
        Attributes: attributes(other),
        Enabled: true,
        UserStatus: 'CONFIRMED',
        UserMFASettingList: ['SOFTWARE_TOKEN_MFA'],
      },
    ]
    expect(await importFrom('cognito', client, JSON.stringify({ Users }))).toMatchObject([
      created('/customAttributes'),
      { status: 'refused', code: 'second_factor_not_supported', pointer: '/UserMFASettingList' },
    ])
    expect(await identitiesOf(client, email)).toEqual([`https://accounts.google.com ${google}`])
  })

  test('keycloak takes a realm with its users: password, app, passkey, identity', async () => {
    const client = await newClient(service())
    const [email, keyed] = [newEmail(), newEmail()]
    const salt = randomBytes(16)
    const asked = { rp: { id: rpIdOf(client.tenant) }, user: { id: 'a2V5Y2xvYWs' }, challenge: '' }
    const { passkey } = createPasskey(asked, client.tenant.origin)
    const hash = pbkdf2Sync(BCRYPT_PASSWORD, salt, 27_500, 64, 'sha256')
    const credential = (type: string, secret: object, data: object) => ({
      id: randomUUID(),
      type,
      createdDate: 1706707211123,
      secretData: JSON.stringify(secret),
      credentialData: JSON.stringify(data),
    })
    const users = [
      {
        id: randomUUID(),
        username: 'ada',
        firstName: 'Ada',
        lastName: 'Lovelace',
        email,
        emailVerified: true,
        enabled: true,
        totp: true,
        createdTimestamp: 1706707211123,
        attributes: { locale: ['de'], plan: ['gold'] },
        credentials: [
          credential(
            'password',
            { value: hash.toString('base64'), salt: salt.toString('base64'), additionalParameters: {} },
            { hashIterations: 27_500, algorithm: 'pbkdf2-sha256', additionalParameters: {} },
          ),
          credential(
            'otp',
            { value: SECRET },
            {
              subType: 'totp',
              digits: 6,
              counter: 0,
              period: 30,
              algorithm: 'HmacSHA1',
              secretEncoding: 'BASE32',
            },
          ),
        ],
        disableableCredentialTypes: [],
        requiredActions: [],
        federatedIdentities: [{ identityProvider: 'corp', userId: '42', userName: 'ada' }],
        realmRoles: ['default-roles-demo'],
        notBefore: 0,
        groups: [],
      },
      {
        username: keyed,
        emailVerified: true,
        enabled: true,
        credentials: [
          credential(
            'webauthn-passwordless',
            {},
            {
              aaguid: '00000000-0000-0000-0000-000000000000',
              credentialId: passkey.id.toString('base64'),
              counter: 0,
              credentialPublicKey: coseKey('ES256', passkey.publicKey).toString('base64url'),
              attestationStatementFormat: 'none',
              transports: ['internal'],
            },
          ),
        ],
      },
      { username: 'service-account-app', serviceAccountClientId: 'app', enabled: true },
    ]
    const identityProviders = [
      { alias: 'corp', providerId: 'oidc', config: { issuer: 'https://login.corp.example' } },
    ]
    const realm = { realm: 'demo', webAuthnPolicyRpId: '', identityProviders, users }
    const reports = await importFrom('keycloak', client, JSON.stringify(realm, null, 2))
    expect(reports).toMatchObject([
      { line: 1, status: 'created' },
      { line: 2, status: 'created' },
    ])
    const { access_token } = await signIn(client, email, BCRYPT_PASSWORD, SECRET)
    expect((await client.me(access_token)).body).toMatchObject({ name: 'Ada Lovelace', locale: 'de' })
    expect(await identitiesOf(client, email)).toEqual(['https://login.corp.example 42'])
    expect((await attemptSignIn(client, passkey)).answer).toMatchObject({
      status: 200,
      body: { user: { email: keyed } },
    })
  })

  test('better-auth takes its tables: password, passkey, identity; an app whose secret it encrypted is refused', async () => {
    const client = await newClient(service())
    const [email, other] = [newEmail(), newEmail()]
    const salt = randomBytes(16).toString('hex')
    const key = scryptSync(BCRYPT_PASSWORD, salt, 64, { N: 16_384, r: 16, p: 1, maxmem: 64 * 1024 * 1024 })
    const asked = { rp: { id: rpIdOf(client.tenant) }, user: { id: 'cmFuZG9t' }, challenge: '' }
    const { passkey } = createPasskey(asked, client.tenant.origin)
    const [id, otherId] = ['u1', 'u2']
    const tables = {
      user: [
        {
          id,
          name: 'Ada',
          email,
          emailVerified: 1,
          image: null,
          banned: 0,
          role: 'user',
          twoFactorEnabled: 0,
        },
        { id: otherId, name: 'Eve', email: other, emailVerified: true, twoFactorEnabled: true },
      ],
      account: [
        {
          id: 'a1',
          userId: id,
          accountId: id,
          providerId: 'credential',
          password: `${salt}:${key.toString('hex')}`,
        },
        { id: 'a2', userId: id, accountId: '583231', providerId: 'github', accessToken: 'gho_x' },
      ],
      passkey: [
        {
          id: 'p1',
          name: 'Laptop',
          publicKey: coseKey('ES256', passkey.publicKey).toString('base64'),
          userId: id,
          credentialID: passkey.id.toString('base64url'),
          counter: 0,
          deviceType: 'multiDevice',
          backedUp: 1,
          transports: 'internal,hybrid',
        },
      ],
      twoFactor: [{ id: 't1', userId: otherId, secret: 'b2f1', backupCodes: '9c0d' }],
    }
    expect(await importFrom('better-auth', client, JSON.stringify(tables))).toMatchObject([
      { status: 'created' },
      { status: 'refused', code: 'second_factor_not_supported', pointer: '/two_factor_secret' },
    ])
    await signIn(client, email)
    expect((await attemptSignIn(client, passkey)).answer.status).toBe(200)
    expect(await identitiesOf(client, email)).toEqual(['https://github.com 583231'])
  })
})

describe('a file that is not what --from says', () => {
  test.each(Object.keys(SYSTEMS) as (keyof typeof SYSTEMS)[])(
    'is one line that says so: %s',
    async (system) => {
      const client = await newClient(service())
      for (const text of ['{"a": [', '[1, "x", null]', '{"users": {}}']) {
        const outcome = await importFrom(system, client, text).then(
          (reports) => reports.map(({ status }) => status),
          (error: Error) => error.message,
        )
        if (typeof outcome === 'string') expect(outcome).toMatch(/^the (file|CSV) /)
        else expect(outcome.every((status) => status === 'refused')).toBe(true)
      }
    },
  )
})

test('docs/moving-in.md names each system that --from takes', () => {
  const text = readFileSync('docs/moving-in.md', 'utf8')
  for (const system of Object.keys(SYSTEMS)) expect(text).toContain(`--from ${system}`)
})
