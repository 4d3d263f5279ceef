/** An optional field that is empty or cannot be kept as it is costs no one their account: it is mended, and the answer says so. */
import { describe, expect, test } from 'vitest'
import { newEmail } from '../support/client.ts'
import {
  BCRYPT,
  BCRYPT_PASSWORD,
  FIREBASE_CONFIG,
  newImporter,
  storedPassword,
} from '../support/import-users.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

type Kept = { name: string | null; locale: string | null; roles: string[] }

const keptOf = async (email: string): Promise<Kept | undefined> => {
  const [row] = await service().sql<Kept>('select name, locale, roles from users where email = $1', [email])
  return row
}

const nothing: Kept = { name: null, locale: null, roles: [] }

describe('files 6: an optional field', () => {
  test.each<[object, { pointer: string; code: string }[], Partial<Kept>]>([
    [{ name: '' }, [{ pointer: '/name', code: 'empty' }], {}],
    [{ name: ' \u00a0\u200b' }, [{ pointer: '/name', code: 'empty' }], {}],
    [{ name: 'Ada\tLovelace' }, [{ pointer: '/name', code: 'cleaned' }], { name: 'Ada Lovelace' }],
    [{ name: 'Ada\r\nX: y\0' }, [{ pointer: '/name', code: 'cleaned' }], { name: 'Ada X: y' }],
    [{ name: 'Ada \ud800' }, [{ pointer: '/name', code: 'cleaned' }], { name: 'Ada' }],
    [{ name: `${'a'.repeat(199)}😀` }, [{ pointer: '/name', code: 'shortened' }], { name: 'a'.repeat(199) }],
    [{ name: 42 }, [{ pointer: '/name', code: 'wrong_type' }], {}],
    [{ locale: '' }, [{ pointer: '/locale', code: 'empty' }], {}],
    [{ locale: 'de_DE' }, [{ pointer: '/locale', code: 'rewritten' }], { locale: 'de-DE' }],
    [{ locale: 'pt_br.UTF-8' }, [{ pointer: '/locale', code: 'rewritten' }], { locale: 'pt-BR' }],
    [{ locale: 'english please' }, [{ pointer: '/locale', code: 'invalid_language' }], {}],
    [{ locale: 'C' }, [{ pointer: '/locale', code: 'invalid_language' }], {}],
    [{ locale: 7 }, [{ pointer: '/locale', code: 'wrong_type' }], {}],
    [{ roles: '' }, [{ pointer: '/roles', code: 'empty' }], {}],
    [{ roles: null }, [], {}],
    [
      { roles: ['editor', 'content editor', '', 'x'.repeat(65), 'admin '] },
      [1, 2, 3, 4].map((index) => ({ pointer: `/roles/${index}`, code: 'invalid_role' })),
      { roles: ['editor'] },
    ],
    [{ email_verified: '' }, [{ pointer: '/email_verified', code: 'empty' }], {}],
    [
      { banned_until: '', LockoutEnd: '', locked_at: '', deleted_at: '' },
      ['/banned_until', '/LockoutEnd', '/locked_at', '/deleted_at'].map((pointer) => ({
        pointer,
        code: 'empty',
      })),
      {},
    ],
    [{ email_verified: null, name: null, locale: null, password_hash: null }, [], {}],
    [
      { id: '0b0f6f4e-2f5d-4c0a-9f3e-6a0a2d3c1b11' }, // ids are ours
      [{ pointer: '/id', code: 'not_imported' }],
      {},
    ],
    [
      { nickname: 'ada', user_id: 'auth0|1' },
      ['/user_id', '/nickname'].map((pointer) => ({ pointer, code: 'not_imported' })),
      {},
    ],
    [{ nickname: '', picture: null, created_at: [] }, [], {}],
  ])('does not cost the account: %o', async (said, warnings, kept) => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const { body } = await send([{ email, password_hash: BCRYPT, email_verified: true, ...said }])
    expect(body.results).toEqual([
      { index: 0, status: 'created', id: expect.any(String), ...(warnings.length > 0 && { warnings }) },
    ])
    expect(await keptOf(email)).toEqual({ ...nothing, ...kept })
    if (!('email_verified' in said)) expect((await client.login(email, BCRYPT_PASSWORD)).status).toBe(200)
  })

  test.each<[unknown, string]>([
    ['', 'empty'],
    ['  ', 'empty'],
    [{ algorithm: 'firebase-scrypt', hash: '', salt: '', ...FIREBASE_CONFIG }, 'empty'],
    [{ algorithm: 'firebase-scrypt', hash: null, salt: null }, 'empty'],
    ['NULL', 'empty'], // SQL dumps
    ['\\N', 'empty'], // COPY, mysqldump --tab
    ['None', 'empty'], // Python
    ['!', 'unusable_password'],
    ['!Gb2kPbZrvLkfJ1dUyLRmyeyPuNsHBGrTkqFHlbKK', 'unusable_password'],
    ['!!', 'unusable_password'],
    ['*', 'unusable_password'],
    ['*0', 'unusable_password'],
  ])('password_hash %o is no password, and says so', async (hash, code) => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const { body } = await send([{ email, email_verified: true, password_hash: hash }])
    expect(body.results).toEqual([
      {
        index: 0,
        status: 'created',
        id: expect.any(String),
        warnings: [{ pointer: '/password_hash', code }],
      },
    ])
    expect(await storedPassword(service(), client, email)).toBeNull()
  })

  test('a hash with blanks around it, as a column of fixed width gives it, is the hash', async () => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const { body } = await send([{ email, email_verified: true, password_hash: `${BCRYPT}   \n` }])
    expect(body.results[0]).toMatchObject({ warnings: [{ pointer: '/password_hash', code: 'trimmed' }] })
    expect((await client.login(email, BCRYPT_PASSWORD)).status).toBe(200)
  })

  test.each([' ', '\t', '\r\n', '\u00a0', '\u200b', '\ufeff'])(
    'blanks around the address (%j) are no part of it',
    async (blank) => {
      const { client, send } = await newImporter(service())
      const email = newEmail()
      const { body } = await send([
        { email: `${blank}${email}${blank}`, email_verified: true, password_hash: BCRYPT },
      ])
      expect(body.results).toEqual([
        {
          index: 0,
          status: 'created',
          id: expect.any(String),
          warnings: [{ pointer: '/email', code: 'trimmed' }],
        },
      ])
      expect((await client.login(email, BCRYPT_PASSWORD)).status).toBe(200)
    },
  )

  test.each<[string, object]>([
    ['an address within', { email: 'a\u200bb@example.com' }],
    ['roles that are no list', { roles: 'admin' }],
    ['a role that is no text', { roles: ['editor', 1] }],
    ['more roles than an account has', { roles: Array(33).fill('r') }],
    ['a proof that is text', { email_verified: 'true' }],
    ['a text that only begins as “no password” does', { password_hash: '*hunter2' }],
  ])('what decides who gets in, and as what, is as strict as ever: %s', async (_, said) => {
    const { send } = await newImporter(service())
    const { body } = await send([{ email: newEmail(), ...said }])
    expect(body.results).toMatchObject([{ status: 'refused' }])
  })

  test('and a warning repeats nothing of what the field said', async () => {
    const { send } = await newImporter(service())
    const secret = 's3cr3t-in-the-wrong-field'
    const { body } = await send([
      {
        email: newEmail(),
        name: `${secret}\t`,
        locale: secret,
        roles: [`${secret} x`],
        picture: secret,
        password_hash: `!${secret}`,
      },
    ])
    expect(body.results[0]).toMatchObject({ status: 'created' })
    expect(JSON.stringify(body)).not.toContain(secret)
  })
})
