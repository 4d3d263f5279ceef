/** What other systems say of an account's state arrives with it: disabled, proved, a password to be replaced, second factors. */
import { describe, expect, test } from 'vitest'
import { newEmail } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { BCRYPT, BCRYPT_PASSWORD, newImporter, storedPassword } from '../support/import-users.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const stateOf = async (emails: string[]) => {
  const rows = await service().sql<{ email: string; status: string; proved: boolean }>(
    'select email, status, email_verified_at is not null as proved from users where email = any($1)',
    [emails],
  )
  return new Map(rows.map(({ email, ...state }) => [email, state]))
}

const inAYear = new Date(Date.now() + 365 * 86_400_000).toISOString()
const aYearAgo = new Date(Date.now() - 365 * 86_400_000).toISOString()

describe('files 5: a disabled account', () => {
  test.each<[string, object, 'disabled' | 'active']>([
    ['ours, and Firebase’s', { disabled: true }, 'disabled'],
    ['Auth0’s', { blocked: true }, 'disabled'],
    ['Clerk’s', { banned: true }, 'disabled'],
    ['Keycloak’s', { enabled: false }, 'disabled'],
    ['Cognito’s', { Enabled: false }, 'disabled'],
    ['Django’s', { is_active: false }, 'disabled'],
    ['FusionAuth’s', { active: false }, 'disabled'],
    ['Supabase’s, by its API', { banned_until: inAYear }, 'disabled'],
    ['Supabase’s, as PostgreSQL writes it', { banned_until: '2999-01-01 00:00:00.123+00' }, 'disabled'],
    ['a ban for ever', { banned_until: 'infinity' }, 'disabled'],
    ['a ban that is over', { banned_until: aYearAgo }, 'active'],
    ['a ban that never was', { banned_until: null }, 'active'],
    ['Clerk’s lock', { locked: true }, 'disabled'],
    ['Devise’s lock', { locked_at: '2024-01-31 13:20:11.123456' }, 'disabled'],
    ['ASP.NET’s, as JSON', { LockoutEnd: '9999-12-31T23:59:59.9999999+00:00' }, 'disabled'],
    ['ASP.NET’s, as SQL Server writes it', { LockoutEnd: '2999-01-01 00:00:00.0000000 +00:00' }, 'disabled'],
    ['ASP.NET’s, which is over', { LockoutEnd: '2020-01-01 00:00:00.0000000 +00:00' }, 'active'],
    ['Supabase’s, deleted', { deleted_at: '2024-01-31 13:20:11.123456+00' }, 'disabled'],
    ['Laravel’s, deleted', { deleted_at: '2024-01-31 13:20:11' }, 'disabled'],
    ['Supabase’s, not deleted', { deleted_at: null, locked_at: null, LockoutEnd: null }, 'active'],
    ['Cognito’s, archived', { Enabled: true, UserStatus: 'ARCHIVED' }, 'disabled'],
    ['Cognito’s, compromised', { Enabled: true, UserStatus: 'COMPROMISED' }, 'disabled'],
    ['Cognito’s, confirmed', { Enabled: true, UserStatus: 'CONFIRMED' }, 'active'],
    ['none', { disabled: false, blocked: false, banned: false, enabled: true, is_active: true }, 'active'],
    ['two that disagree', { disabled: false, is_active: false }, 'disabled'],
  ])('arrives as one: %s', async (_, said, status) => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const { body } = await send([{ email, email_verified: true, password_hash: BCRYPT, ...said }])
    expect(body.results).toEqual([{ index: 0, status: 'created', id: expect.any(String) }])
    expect((await stateOf([email])).get(email)).toEqual({ status, proved: true })
    const answer = await client.login(email, BCRYPT_PASSWORD)
    if (status === 'active') expect(answer.status).toBe(200)
    else expectProblem(answer, 'invalid_credentials')
  })

  test('is opened by nothing, answers like an address without an account, and signs in once it is enabled', async () => {
    const { client, send } = await newImporter(service())
    await service().sql(`update tenants set settings = '{"registration":"verify-first"}' where id = $1`, [
      client.tenant.id,
    ])
    const [email, unknown] = [newEmail(), newEmail()]
    const entry = { email, email_verified: true, password_hash: BCRYPT, blocked: true }
    const id = (await send([entry])).body.results[0]?.id ?? ''
    const told = async (address: string) => {
      const answers = [
        await client.login(address, BCRYPT_PASSWORD),
        await client.call('/v1/password/forgot', { json: { email: address } }),
        await client.call('/v1/email/code', { json: { email: address } }),
        await client.call('/v1/email/resend', { json: { email: address } }),
      ]
      return answers.map(({ status, body }) => ({ status, body: { ...body, request_id: null } }))
    }
    expect(await told(email)).toEqual(await told(unknown))
    await client.register(email)
    const tokens = await service().sql('select purpose from one_time_tokens where user_id = $1', [id])
    expect(tokens, 'no link and no code was made for it').toEqual([])
    expect(await storedPassword(service(), client, email), 'its hash is as it came').toMatchObject({
      phc: BCRYPT,
    })
    await service().sql(`update users set status = 'active' where id = $1`, [id])
    expect((await client.login(email, BCRYPT_PASSWORD)).status).toBe(200)
  })

  test.each<[object, string, string]>([
    [{ disabled: 'false' }, 'wrong_type', '/disabled'],
    [{ disabled: '' }, 'wrong_type', '/disabled'],
    [{ blocked: 0 }, 'wrong_type', '/blocked'],
    [{ enabled: null }, 'wrong_type', '/enabled'],
    [{ is_active: 't' }, 'wrong_type', '/is_active'],
    [{ banned_until: 'tomorrow' }, 'invalid_time', '/banned_until'],
    [{ banned_until: '2999-01-01 00:00:00' }, 'invalid_time', '/banned_until'],
    [{ locked: 1 }, 'wrong_type', '/locked'],
    [{ locked_at: 'yesterday' }, 'invalid_time', '/locked_at'],
    [{ deleted_at: true }, 'wrong_type', '/deleted_at'],
    [{ LockoutEnd: '2999-01-01 00:00:00' }, 'invalid_time', '/LockoutEnd'],
    [{ UserStatus: 'SOMETHING_NEW' }, 'not_allowed', '/UserStatus'],
    [{ banned_until: 32503680000 }, 'wrong_type', '/banned_until'],
    [{ password_change_required: 'yes' }, 'wrong_type', '/password_change_required'],
    [{ requiredActions: ['SOMETHING_NEW'] }, 'not_allowed', '/requiredActions/0'],
  ])('is not guessed at: %o is refused', async (said, code, pointer) => {
    const { send } = await newImporter(service())
    const { body } = await send([{ email: newEmail(), ...said }])
    expect(body.results).toEqual([{ index: 0, status: 'refused', code, pointer }])
  })

  test.each(['suspended', 'is_deleted', 'expiry', 'state', 'status'])(
    'by a name that we do not know (%s) is refused',
    async (name) => {
      const { send } = await newImporter(service())
      const { body } = await send([true, false, 0, 'no'].map((said) => ({ email: newEmail(), [name]: said })))
      expect(body.results).toEqual(
        [0, 1, 2, 3].map((index) => ({ index, status: 'refused', code: 'unknown_field' })),
      )
      const empty = [null, '', [], {}].map((said) => ({ email: newEmail(), [name]: said }))
      const { body: open } = await send(empty)
      expect(open.results, 'null or empty it says nothing').toEqual(
        [0, 1, 2, 3].map((index) => ({ index, status: 'created', id: expect.any(String) })),
      )
    },
  )
})

describe('files 5: whether the address is proved', () => {
  test.each<[object, boolean]>([
    [{ email_verified: true }, true],
    [{ emailVerified: true }, true],
    [{ email_confirmed_at: aYearAgo }, true],
    [{ email_confirmed_at: '2024-01-31 13:20:11' }, true],
    [{ email_verified_at: '2024-01-31T13:20:11.000000Z' }, true], // Laravel
    [{ verified: true }, true], // FusionAuth
    [{ EmailConfirmed: true }, true], // ASP.NET Identity
    [{ verified: true, email_verified: false }, false],
    [{ email_verified: true, UserStatus: 'UNCONFIRMED' }, false],
    [{ email_verified_at: null }, false],
    [{ email_confirmed_at: null }, false],
    [{ emailVerified: false }, false],
    [{ email_verified: true, emailVerified: false }, false],
    [{ emailVerified: true, requiredActions: ['VERIFY_EMAIL'] }, false],
    [{}, false],
  ])('is as %o says', async (said, proved) => {
    const { send } = await newImporter(service())
    const email = newEmail()
    await send([{ email, ...said }])
    expect((await stateOf([email])).get(email)).toEqual({ status: 'active', proved })
  })
})

describe('files 5: a password that must be changed', () => {
  test.each<[string, object]>([
    ['ours', { password_change_required: true }],
    ['FusionAuth’s', { passwordChangeRequired: true }],
    ['Cognito’s, by an administrator', { UserStatus: 'FORCE_CHANGE_PASSWORD' }],
    ['Cognito’s, to be reset', { UserStatus: 'RESET_REQUIRED' }],
    ['Keycloak’s', { requiredActions: ['UPDATE_PROFILE', 'UPDATE_PASSWORD'] }],
  ])(
    'is not imported, which the answer says: it signs no one in, and a reset sets another (%s)',
    async (_, said) => {
      const { client, send } = await newImporter(service())
      const email = newEmail()
      const { body } = await send([{ email, email_verified: true, password_hash: BCRYPT, ...said }])
      expect(body.results).toEqual([
        {
          index: 0,
          status: 'created',
          id: expect.any(String),
          warnings: [{ pointer: '/password_hash', code: 'password_change_required' }],
        },
      ])
      expect(await storedPassword(service(), client, email)).toBeNull()
      expectProblem(await client.login(email, BCRYPT_PASSWORD), 'invalid_credentials')
      await client.call('/v1/password/forgot', { json: { email } })
      const user = { id: body.results[0]?.id ?? '' }
      const [token] = await service().sql<{ purpose: string }>(
        'select purpose from one_time_tokens where user_id = $1',
        [user.id],
      )
      expect(token).toEqual({ purpose: 'reset_password' })
    },
  )

  test('is as well where its hash could not be read: it does not matter', async () => {
    const { send } = await newImporter(service())
    const { body } = await send([
      { email: newEmail(), password_hash: '$6$a$b', password_change_required: true },
    ])
    expect(body.results).toMatchObject([{ status: 'created' }])
  })
})

describe('files 5: a second factor that cannot be imported', () => {
  test.each<[string, unknown]>([
    ['mfa_factors', [{ phone: { value: '+15555550100' } }]], // Auth0
    ['multifactor', ['guardian']],
    ['mfaInfo', [{ phoneInfo: '+15555550100' }]], // Firebase
    ['multiFactor', { enrolledFactors: [{ uid: 'x' }] }],
    ['totp', true], // Keycloak
    ['factors', [{ factor_type: 'totp', status: 'verified' }]], // Supabase
    ['two_factor_enabled', true],
    ['cognito:mfa_enabled', 'TRUE'],
    ['UserMFASettingList', ['SOFTWARE_TOKEN_MFA']],
    ['twoFactor', { methods: [{ method: 'authenticator' }] }], // FusionAuth
    ['two_factor_secret', 'eyJpdiI6'], // Laravel Fortify
    ['otp_required_for_login', true], // devise-two-factor
    ['TwoFactorEnabled', true], // ASP.NET Identity
  ])('is refused by its name: %s', async (name, value) => {
    const { send } = await newImporter(service())
    const { body } = await send([{ email: newEmail(), [name]: value }])
    expect(body.results).toEqual([
      { index: 0, status: 'refused', code: 'second_factor_not_supported', pointer: `/${name}` },
    ])
  })

  test('that is to be set up is one, in Keycloak’s list too', async () => {
    const { send } = await newImporter(service())
    const { body } = await send([{ email: newEmail(), requiredActions: ['CONFIGURE_TOTP'] }])
    expect(body.results).toEqual([
      { index: 0, status: 'refused', code: 'second_factor_not_supported', pointer: '/requiredActions/0' },
    ])
  })

  test('that is not there costs nothing', async () => {
    const { send } = await newImporter(service())
    const none = {
      mfa_factors: [],
      mfaInfo: null,
      totp: false,
      TwoFactorEnabled: 0,
      multiFactor: { enrolledFactors: [] },
    }
    const { body } = await send([
      { email: newEmail(), ...none, totp_secret: '', 'cognito:mfa_enabled': 'FALSE' },
    ])
    expect(body.results).toEqual([{ index: 0, status: 'created', id: expect.any(String) }])
  })
})
