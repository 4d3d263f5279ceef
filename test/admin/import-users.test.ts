import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { NO_PEPPER } from '../../src/crypto/foreign-hash.ts'
import { setFailures } from '../support/attempts.ts'
import { countBy, createClient, newEmail, PASSWORD, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import {
  BCRYPT,
  BCRYPT_PASSWORD,
  countAccounts,
  FIREBASE_CONFIG,
  firebaseUser,
  HASHES,
  IMPORT_PATH,
  importedEvents,
  newImporter,
  storedPassword,
} from '../support/import-users.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, {
  method: 'POST',
  path: IMPORT_PATH,
  allow: 'GET, HEAD, POST',
  caller: 'admin',
  json: { users: [{ email: 'ada@example.com' }] },
})

describe('accepts', () => {
  test('makes an account of each entry, with all that it says', async () => {
    const { client, tokens, send } = await newImporter(service())
    const email = newEmail()
    const answer = await send([
      {
        email: email.toUpperCase(),
        email_verified: true,
        name: ' Ada ',
        locale: 'DE-ch',
        roles: ['editor', 'editor', 'Übersetzer'],
        password_hash: BCRYPT,
      },
      { email: newEmail(), name: null, locale: null, password_hash: null },
    ])
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    const [ada, bare] = answer.body.results
    expect(answer.body.results).toEqual([
      { index: 0, status: 'created', id: expect.stringMatching(/^[0-9a-f-]{14}7[0-9a-f-]{21}$/) },
      { index: 1, status: 'created', id: expect.not.stringMatching(ada?.id ?? '') },
    ])
    const { body: session } = await client.login(email, BCRYPT_PASSWORD)
    expect((await client.me(session.access_token)).body).toMatchObject({
      id: ada?.id,
      email,
      email_verified: true,
      name: 'Ada',
      roles: ['editor', 'Übersetzer'],
      locale: 'de-CH',
    })
    const events = await importedEvents(service(), client)
    expect(events.map(({ subject }) => subject).toSorted()).toEqual([ada?.id, bare?.id].toSorted())
    for (const { actor, data, client: from } of events) {
      expect({ actor, data }).toEqual({ actor: tokens.user.id, data: {} })
      expect(from).toMatchObject({ request_id: answer.headers.get('x-request-id') })
    }
    expect(new Set(events.map(({ id }) => id)).size).toBe(2)
  })

  test('an address is proved only where the file says so', async () => {
    const { client, send } = await newImporter(service())
    const [yes, no] = [newEmail(), newEmail()]
    await send([
      { email: yes, email_verified: true },
      { email: no, email_verified: false },
    ])
    const rows = await service().sql<{ email: string; proved: boolean }>(
      'select email, email_verified_at is not null as proved from users where tenant_id = $1 and email = any($2)',
      [client.tenant.id, [yes, no]],
    )
    expect(Object.fromEntries(rows.map(({ email, proved }) => [email, proved]))).toEqual({
      [yes]: true,
      [no]: false,
    })
  })

  test('says of each entry what became of it, and one that is wrong holds back no other', async () => {
    const { client, send } = await newImporter(service())
    const { email: known } = await client.signUp()
    const [first, second] = [newEmail(), newEmail()]
    const { status, body } = await send([
      { email: first },
      { email: known, name: 'Mallory', password_hash: BCRYPT },
      { email: 'nobody' },
      { email: first, password_hash: BCRYPT },
      { email: second, password_hash: 'in the clear' },
      { email: second },
    ])
    expect(status).toBe(200)
    expect(body.results).toEqual([
      { index: 0, status: 'created', id: expect.any(String) },
      { index: 1, status: 'exists' },
      { index: 2, status: 'refused', code: 'invalid_email', pointer: '/email' },
      { index: 3, status: 'duplicate', first: 0 },
      { index: 4, status: 'refused', code: 'unknown_hash', pointer: '/password_hash' },
      { index: 5, status: 'created', id: expect.any(String) },
    ])
    expect((await client.login(known, PASSWORD)).body.user.name).toBeNull()
    expect(await storedPassword(service(), client, first)).toBeNull()
    expect(await importedEvents(service(), client)).toHaveLength(2)
  })

  test('files 7: two entries with one address are a duplicate, in any spelling; the same entries again are not', async () => {
    const { client, send } = await newImporter(service())
    const [email, other] = [newEmail(), newEmail()]
    const users = [
      { email: email.toUpperCase(), name: 'One' },
      { email: other },
      { email: ` ${email}`, name: 'Two' },
    ]
    expect((await send(users)).body.results).toEqual([
      { index: 0, status: 'created', id: expect.any(String) },
      { index: 1, status: 'created', id: expect.any(String) },
      { index: 2, status: 'duplicate', first: 0 },
    ])
    expect(await countAccounts(service(), client, [email])).toBe(1)
    expect((await send(users)).body.results).toEqual([
      { index: 0, status: 'exists' },
      { index: 1, status: 'exists' },
      { index: 2, status: 'duplicate', first: 0 },
    ])
  })

  test('twice is the same as once: who is there already is left as they are', async () => {
    const { client, send } = await newImporter(service())
    const emails = [newEmail(), newEmail()]
    const users = emails.map((email) => ({ email, email_verified: true, password_hash: BCRYPT }))
    expect((await send(users)).body.results.map(({ status }) => status)).toEqual(['created', 'created'])
    const signedIn = await client.login(emails[0] ?? '', BCRYPT_PASSWORD)
    expect(signedIn.status).toBe(200)
    const rehashed = await storedPassword(service(), client, emails[0] ?? '')
    expect((await send(users)).body.results).toEqual([
      { index: 0, status: 'exists' },
      { index: 1, status: 'exists' },
    ])
    expect(await storedPassword(service(), client, emails[0] ?? '')).toEqual(rehashed)
    expect(await countAccounts(service(), client, emails)).toBe(2)
    expect(await importedEvents(service(), client)).toHaveLength(2)
  })

  test('forgets attempts that were made at the address before there was an account', async () => {
    const { client, send } = await newImporter(service())
    const [email, other] = [newEmail(), newEmail()]
    for (const address of [email, other])
      await setFailures(service(), { tenant: client.tenant, email: address }, 100)
    await send([{ email, email_verified: true, password_hash: BCRYPT }])
    expect((await client.login(email, BCRYPT_PASSWORD)).status).toBe(200)
    expectProblem(await client.login(other, BCRYPT_PASSWORD), 'password_disabled')
  })

  test('the address of an account elsewhere, or of one that was deleted, is free', async () => {
    const { client, send } = await newImporter(service())
    const elsewhere = await newImporter(service())
    const { email, tokens } = await client.signUp()
    expect((await elsewhere.send([{ email }])).body.results).toMatchObject([{ status: 'created' }])
    await service().sql('update users set deleted_at = now() where id = $1', [tokens.user.id])
    const [result] = (await send([{ email }])).body.results
    expect(result).toMatchObject({ status: 'created' })
    expect(result?.id).not.toBe(tokens.user.id)
  })
})

describe.each(Object.entries(HASHES))('a password that was kept as %s', (_, hashOf) => {
  test('signs in, and is Argon2id with our pepper from then on', async () => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const password = `пароль ${randomUUID()}`
    const hash = hashOf(password)
    const { body } = await send([{ email, email_verified: true, password_hash: hash }])
    expect(body.results).toMatchObject([{ status: 'created' }])
    const imported = await storedPassword(service(), client, email)
    expect(imported).toMatchObject({ key_id: NO_PEPPER, ...(typeof hash === 'string' && { phc: hash }) })

    expectProblem(await client.login(email, `${password}x`), 'invalid_credentials')
    expect(await storedPassword(service(), client, email), 'a wrong password changes nothing').toEqual(
      imported,
    )

    expect((await client.login(email, password)).status).toBe(200)
    expect(await storedPassword(service(), client, email)).toEqual({
      phc: expect.stringMatching(/^\$argon2id\$v=19\$m=64,t=2,p=1\$/),
      key_id: 'k1',
    })
    expect((await client.login(email, password)).status).toBe(200)
    expectProblem(await client.login(email, `${password}x`), 'invalid_credentials')
  })
})

describe('refuses', () => {
  test.each<[string, object | string, string, string?]>([
    ['no address', {}, 'missing', '/email'],
    ['an address that is a list', { email: ['ada@example.com'] }, 'wrong_type', '/email'],
    [
      'an address with a line break',
      { email: 'ada@example.com\r\nbcc: x@example.com' },
      'invalid_email',
      '/email',
    ],
    ['an address in Unicode', { email: 'ada@exämple.com' }, 'invalid_email', '/email'],
    ['a blank address', { email: '' }, 'invalid_email', '/email'],
    [
      'a proof that is no boolean',
      { email: 'a@example.com', email_verified: 'true' },
      'wrong_type',
      '/email_verified',
    ],
    ['roles that are no list', { email: 'a@example.com', roles: 'admin' }, 'wrong_type', '/roles'],
    [
      'more roles than anyone has',
      { email: 'a@example.com', roles: Array(33).fill('r') },
      'too_many',
      '/roles',
    ],
    ['a password', { email: 'a@example.com', password: 'in the clear' }, 'unknown_field'],
    [
      'a hash that is a number',
      { email: 'a@example.com', password_hash: 42 },
      'wrong_type',
      '/password_hash',
    ],
    [
      'a hash of an unknown kind',
      { email: 'a@example.com', password_hash: '$6$a$b' },
      'unknown_hash',
      '/password_hash',
    ],
    [
      'a hash with its end cut off',
      { email: 'a@example.com', password_hash: BCRYPT.slice(0, -1) },
      'malformed_hash',
      '/password_hash',
    ],
    [
      'a hash of 4 kB',
      { email: 'a@example.com', password_hash: `$2b$${'a'.repeat(4000)}` },
      'too_long',
      '/password_hash',
    ],
    [
      'Firebase without its parameters',
      { email: 'a@example.com', password_hash: firebaseUser('x') },
      'missing',
      '/password_hash/base64_signer_key',
    ],
    ['a list', ['a@example.com'] as object, 'missing', '/email'],
  ])('an entry with %s, and only that one', async (_, entry, code, pointer) => {
    const { client, send } = await newImporter(service())
    const good = newEmail()
    const { status, body } = await send([entry, { email: good }])
    expect(status).toBe(200)
    expect(body.results).toEqual([
      { index: 0, status: 'refused', code, ...(pointer !== undefined && { pointer }) },
      { index: 1, status: 'created', id: expect.any(String) },
    ])
    expect(await countAccounts(service(), client, ['a@example.com', 'ada@example.com'])).toBe(0)
  })

  test('no entries, more than 20, and entries that are no objects', async () => {
    const { send } = await newImporter(service())
    expectInvalidInput(await send([]), { '/users': 'too_short' })
    expectInvalidInput(await send(Array(21).fill({ email: newEmail() })), { '/users': 'too_many' })
    expectInvalidInput(await send([null, 'x']), { '/users/0': 'wrong_type', '/users/1': 'wrong_type' })
  })

  test('a caller who authenticated too long ago, and says how to go on (RFC 9470)', async () => {
    const { client, tokens, send } = await newImporter(service())
    await service().sql(`update sessions set auth_time = now() - interval '1 hour' where id = $1`, [
      tokens.session.id,
    ])
    const { body: old } = await client.refresh(tokens.refresh_token)
    const email = newEmail()
    const answer = await send([{ email }], { bearer: old.access_token })
    expectProblem(answer, 'insufficient_user_authentication')
    expect(answer.headers.get('www-authenticate')).toContain('max_age=')
    expect(await countAccounts(service(), client, [email])).toBe(0)
  })

  test('a role that was taken away: nothing is inserted', async () => {
    const { client, tokens, send } = await newImporter(service())
    await service().sql("update users set roles = '{}' where id = $1", [tokens.user.id])
    const email = newEmail()
    expectProblem(await send([{ email }]), 'insufficient_role')
    expectProblem(await send([{ email: 'nobody' }]), 'insufficient_role')
    expect(await countAccounts(service(), client, [email])).toBe(0)
    expect(await importedEvents(service(), client)).toEqual([])
  })
})

describe('races', () => {
  test('50 imports of one address at once make one account', async () => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const answers = await race(50, () => send([{ email, email_verified: true, password_hash: BCRYPT }]))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 50 })
    const results = answers.flatMap(({ body }) => body.results)
    expect(countBy(results, ({ status }) => status)).toEqual({ created: 1, exists: 49 })
    expect(await countAccounts(service(), client, [email])).toBe(1)
    expect(await importedEvents(service(), client)).toHaveLength(1)
  })

  test('imports of the same addresses in opposite orders do not wait for each other in a circle', async () => {
    const { client, send } = await newImporter(service())
    for (let round = 0; round < 3; round++) {
      const users = Array.from({ length: 20 }, () => ({ email: newEmail() }))
      const answers = await race(16, (index) => send(index % 2 === 0 ? users : users.toReversed()))
      expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 16 })
      const results = answers.flatMap(({ body }) => body.results)
      expect(countBy(results, ({ status }) => status)).toEqual({ created: 20, exists: 300 })
      expect(
        await countAccounts(
          service(),
          client,
          users.map(({ email }) => email),
        ),
      ).toBe(20)
    }
  })

  test('an import and a registration of one address make one account', async () => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const [imported, registered] = await Promise.all([
      send([{ email, email_verified: true, password_hash: BCRYPT }]),
      createClient(service(), client.tenant).register(email),
    ])
    const isCreated = imported.body.results[0]?.status === 'created'
    expect(registered.status === 201).toBe(!isCreated)
    expect(await countAccounts(service(), client, [email])).toBe(1)
  })
})

describe('attacks', () => {
  test('neither the signer key of Firebase, nor a hash, nor an address is in an answer or an event', async () => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    const hash = { ...firebaseUser('user1password'), ...FIREBASE_CONFIG }
    const answers = [
      await send([
        { email, password_hash: hash },
        { email: 'a@b@c', password_hash: hash },
      ]),
      await send([{ email: newEmail(), password_hash: { ...hash, mem_cost: 20 } }]),
    ]
    await service().consume()
    const [kept] = await service().sql<{ text: string }>(`
      select concat_ws(' ', (select string_agg(e::text, ' ') from events e), (select string_agg(p::text, ' ') from passwords p),
        (select string_agg(a::text, ' ') from audit_events a)) as text`)
    const said = `${answers.map(({ body }) => JSON.stringify(body)).join()} ${kept?.text}`
    const logged = service().logs().join('\n')
    for (const secret of [FIREBASE_CONFIG.base64_signer_key.slice(0, 40), hash.hash.slice(0, 40)])
      expect(said + logged).not.toContain(secret)
    expect(said).not.toContain(email)
    expect(said).not.toContain('a@b@c')
    expect(await storedPassword(service(), client, email)).toMatchObject({
      phc: expect.stringMatching(/^\$firebase-scrypt\$/),
    })
  })

  test('a hash that was put into the table by hand and costs too much is not computed', async () => {
    const { client, send } = await newImporter(service())
    const email = newEmail()
    await send([{ email, email_verified: true, password_hash: BCRYPT }])
    await service().sql(
      'update passwords set phc = $2 where user_id = (select id from users where email = $1)',
      [email, BCRYPT.replace('$05', '$31')],
    )
    expectProblem(await client.login(email, BCRYPT_PASSWORD), 'internal_error')
  })

  test('a password without a pepper is never taken for one under a key of the ring', async () => {
    const { client, send } = await newImporter(service())
    const [email, own] = [newEmail(), newEmail()]
    await send([{ email, email_verified: true, password_hash: BCRYPT }])
    await client.register(own)
    // Ours under the id that says "no pepper": it must not verify without the pepper.
    await service().sql(
      `update passwords set key_id = $2 where user_id = (select id from users where email = $1)`,
      [own, NO_PEPPER],
    )
    expectProblem(await client.login(own, PASSWORD), 'invalid_credentials')
  })
})
