/** Lines as other systems export them, by the documentation of each: what is ours is taken, the rest is left out and named. */
import { describe, expect, test } from 'vitest'
import { newEmail } from '../support/client.ts'
import { BCRYPT, BCRYPT_PASSWORD, newImporter } from '../support/import-users.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const EXPORTS: Record<string, { line: object; leftOut: string[]; signsIn: boolean; name?: string }> = {
  'Auth0, as support exports hashes': {
    line: {
      _id: { $oid: '60425dc43519d90068f82973' },
      email_verified: true,
      passwordHash: BCRYPT,
      password_set_date: { $date: '2021-03-05T16:34:58.812Z' },
      tenant: 'dev-rwsbs6ym',
      connection: 'Username-Password-Authentication',
      _tmp_is_unique: true,
    },
    leftOut: ['tenant', 'connection', '_id', '_tmp_is_unique', 'password_set_date'],
    signsIn: true,
  },
  'Auth0, as its bulk import takes it': {
    line: {
      email_verified: true,
      user_id: '1',
      name: 'Ada',
      given_name: 'Ada',
      blocked: false,
      password_hash: BCRYPT,
      app_metadata: { roles: ['admin'] },
      user_metadata: { theme: 'light' },
      mfa_factors: [],
    },
    leftOut: ['user_id', 'given_name', 'app_metadata', 'user_metadata'],
    signsIn: true,
    name: 'Ada',
  },
  'Supabase, a row of auth.users': {
    line: {
      id: '0b0f6f4e-2f5d-4c0a-9f3e-6a0a2d3c1b11',
      is_anonymous: false,
      instance_id: '00000000-0000-0000-0000-000000000000',
      aud: 'authenticated',
      role: 'authenticated',
      encrypted_password: BCRYPT,
      email_confirmed_at: '2024-01-31 13:20:11.123456+00',
      confirmation_token: '',
      recovery_token: '',
      last_sign_in_at: '2024-01-31 13:20:11.123456+00',
      raw_app_meta_data: { provider: 'email', providers: ['email'] },
      raw_user_meta_data: {},
      is_super_admin: null,
      phone: null,
      phone_confirmed_at: null,
      email_change: '',
      email_change_sent_at: null,
      banned_until: null,
      reauthentication_token: '',
      is_sso_user: false,
      deleted_at: null,
    },
    leftOut: ['id', 'last_sign_in_at', 'instance_id', 'aud', 'role', 'raw_app_meta_data'],
    signsIn: true,
  },
  'Clerk, with the columns that its API takes': {
    line: {
      email_verified: true,
      first_name: 'Ada',
      totp_secret: '',
      password_digest: BCRYPT,
      password_hasher: 'bcrypt',
      locked: false,
    },
    leftOut: ['first_name', 'password_hasher'],
    signsIn: true,
  },
  'ASP.NET Identity, a row of AspNetUsers': {
    line: {
      UserName: 'ada',
      NormalizedUserName: 'ADA',
      EmailConfirmed: true,
      PasswordHash: BCRYPT,
      SecurityStamp: 'X',
      ConcurrencyStamp: 'Y',
      TwoFactorEnabled: false,
      LockoutEnd: null,
      LockoutEnabled: true,
      AccessFailedCount: 2,
    },
    leftOut: [
      'LockoutEnabled',
      'AccessFailedCount',
      'SecurityStamp',
      'ConcurrencyStamp',
      'UserName',
      'NormalizedUserName',
    ],
    signsIn: true,
  },
  'Devise, a row of users': {
    line: {
      email_verified: true,
      encrypted_password: BCRYPT,
      reset_password_token: null,
      confirmed_at: '2024-01-31 13:20:11',
      failed_attempts: 1,
      locked_at: null,
      sign_in_count: 4,
    },
    leftOut: ['confirmed_at', 'sign_in_count', 'failed_attempts'],
    signsIn: true,
  },
  'Keycloak, without its credentials': {
    line: {
      emailVerified: true,
      enabled: true,
      totp: false,
      createdTimestamp: 1700000000000,
      disableableCredentialTypes: [],
      requiredActions: ['UPDATE_PASSWORD', 'terms_and_conditions'],
      realmRoles: ['offline_access'],
      notBefore: 0,
      password_hash: BCRYPT,
    },
    leftOut: ['createdTimestamp', 'realmRoles'],
    signsIn: false,
  },
  'Cognito, a user of ListUsers': {
    line: {
      email_verified: true,
      Username: '7d7b7e9c',
      Enabled: true,
      UserStatus: 'CONFIRMED',
      UserCreateDate: 1700000000.1,
      MFAOptions: [],
    },
    leftOut: ['UserCreateDate', 'Username'],
    signsIn: false,
  },
}

describe('files 6: an exported line, with the names that its system has', () => {
  test.each(Object.entries(EXPORTS))('%s', async (_, { line, leftOut, signsIn, name = null }) => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const { body } = await send([{ email, ...line }])
    const [result] = body.results
    expect(result?.status).toBe('created')
    const named = result?.warnings
      ?.filter(({ code }) => code === 'not_imported')
      .map(({ pointer }) => pointer)
    expect(named?.toSorted()).toEqual(leftOut.map((field) => `/${field}`).toSorted())
    expect((await client.login(email, BCRYPT_PASSWORD)).status).toBe(signsIn ? 200 : 401)
    const rows = await service().sql(
      'select name, roles, email_verified_at is not null as proved from users where email = $1',
      [email],
    )
    expect(rows, 'no role of another system is one here').toEqual([{ name, roles: [], proved: true }])
  })

  test.each<[string, object]>([
    ['two hashes', { password_hash: BCRYPT, encrypted_password: BCRYPT }],
    ['two hashes, neither ours', { PasswordHash: BCRYPT, password_digest: BCRYPT }],
    ['a salt that belongs to no hash', { salt: 'c2FsdA==' }],
    ['a password in the clear', { password: 'in the clear' }],
  ])('is not guessed at: %s', async (_, said) => {
    const { send } = await newImporter(service())
    const { body } = await send([{ email: newEmail(), ...said }])
    expect(body.results).toEqual([{ index: 0, status: 'refused', code: 'unknown_field' }])
  })
})
