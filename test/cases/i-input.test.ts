/**
 * CASES.md group I: input, e-mail and injection, on every operation that takes an address, a name, a token, a code or a
 * password: a clear 4xx or the neutral answer, and nothing stored or sent. Also: bodies, and addresses at register and
 * login, in test/http/bad-input.test.ts; the form of an address in test/accounts; what mail makes of text in
 * test/mail/letter.test.ts.
 */
import { parse } from 'parse5'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { PURPOSES } from '../../src/one-time/purposes.ts'
import { startExport } from '../support/audit.ts'
import {
  type Answer,
  type Client,
  createClient,
  newClient,
  newEmail,
  PASSWORD,
  type Tokens,
} from '../support/client.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import {
  bearerOperations,
  bodyOperations,
  type Operation,
  OTHER_ID,
  perform,
} from '../support/http-operations.ts'
import { nextMinute, useMailStage } from '../support/mail-stage.ts'

/** Some of these make hundreds of calls, on a machine that others use. */
vi.setConfig({ testTimeout: 120_000 })

const stage = useMailStage()

/** One of the right form, which no one was given. */
const A_TOKEN = `lko_${'A'.repeat(43)}`

/** Signs in at once, so that there is someone to call as; the other tenant is `verify-first`, as new ones are. */
let client: Client
let proving: Client
let victim: { email: string; tokens: Tokens }
/** What the tables and the log held before the test that runs. */
let before: unknown
let logged = 0

beforeAll(async () => {
  client = await newClient(stage().service)
  proving = await newClient(stage().service, { settings: { registration: 'verify-first' } })
  victim = await client.signUp()
  await stage().service.consume()
})
beforeEach(async () => {
  before = await stored()
})

afterEach(() => {
  const lines = stage().service.logs().slice(logged)
  logged += lines.length
  expect(lines.filter((line) => line.includes('"level":"error"'))).toEqual([])
  expect(({} as { admin?: unknown }).admin).toBeUndefined()
})

/** Everything that any of this could leave behind. */
const stored = () =>
  stage().service.sql(
    `select (select count(*) from passwords) as passwords, (select count(*) from sessions) as sessions,
       (select count(*) from refresh_tokens) as refresh_tokens, (select count(*) from one_time_tokens) as one_time_tokens,
       (select count(*) from mails) as mails, (select count(*) from events) as events,
       (select md5(json_agg(users order by id)::text) from users) as users`,
  )

/** As it was before: no row, no mail, not even on its way. */
async function expectNothing() {
  expect(await stored()).toEqual(before)
  await stage().service.consume()
  await nextMinute(stage())
  expect(stage().provider.calls()).toEqual([])
}

const fieldsOf = (operation: Operation) => Object.keys(operation.body?.(victim.tokens) ?? {})
/** Of passwords and addresses. */
const taking = (field: string) =>
  bodyOperations.filter(
    (operation) => fieldsOf(operation).includes(field) && !/^\/v1\/(mfa|admin)\//.test(operation.path),
  )

/** Calls it as it wants to be called, but for these fields; each time from another address of the network. */
function send(
  operation: Operation,
  fields: object | string,
  tokens = victim.tokens,
): Promise<Answer<unknown>> {
  const { method, path, by, body } = operation
  const caller = createClient(stage().service, client.tenant)
  return caller.call(path, {
    method,
    ...(by === 'bearer' && { bearer: tokens.access_token }),
    ...(typeof fields === 'string'
      ? { body: fields, headers: { 'content-type': 'application/json' } }
      : { json: { ...body?.(tokens), ...fields } }),
  })
}

/** Refused by name, or like a wrong one: never an answer that says yes, and never our fault. */
function expectUnheard({ status, body }: Answer<unknown>, sent: unknown) {
  const { code } = body as { code?: string }
  const codes = ['invalid_input', 'invalid_credentials', 'invalid_code', 'invalid_one_time_token']
  expect({ sent, status, code }).toEqual({
    sent,
    status: expect.toBeOneOf([400, 401, 422]),
    code: expect.toBeOneOf(codes),
  })
}

const named = (operation: Operation) => `${operation.method} ${operation.path}`

test('covers every operation of passwords and addresses', () => {
  const covered = ['email', 'name', 'token', 'code', 'password', 'current_password']
    .flatMap(taking)
    .map(named)
  for (const path of [
    ...['/v1/register', '/v1/login', '/v1/password/forgot', '/v1/password/reset', '/v1/password/change'],
    ...['/v1/password/confirm', '/v1/email/verify', '/v1/email/resend', '/v1/email/change'],
    ...['/v1/email/change/confirm', '/v1/email/code', '/v1/email/code/verify', '/v1/email/link/verify'],
  ])
    expect(covered).toContain(`POST ${path}`)
})

describe('addresses', () => {
  const lists: [string, string[]][] = [
    [
      'I01 a list, a display name, a link',
      [
        'a@evil.test,v@x.test',
        'a@evil.test;v@x.test',
        'a@evil.test v@x.test',
        'a@evil.test\nv@x.test',
        '<v@x.test>',
      ],
    ],
    [
      'I01 a display name or a scheme',
      ['V <v@x.test>', 'V v@x.test', 'mailto:v@x.test', 'v@x.test?cc=a@evil.test', 'v@x.test,'],
    ],
    [
      'I02 a quoted local part, a comment or a route',
      [
        '"a@evil.test"@x.test',
        '"v@evil x"@x.test',
        '""@x.test',
        'v(a@evil.test)@x.test',
        'v@x.test(a)',
        '@evil.test:v@x.test',
        'v\\@evil.test@x.test',
      ],
    ],
    [
      'I03 more than one @, or none',
      ['v@evil@x.test', 'v@@x.test', 'v@x.test@', '@x.test', 'v', 'v@', '', ' ', 'v@x', 'v@x.test.'],
    ],
    [
      'I03 an address literal',
      [
        'v@[127.0.0.1]',
        'v@127.0.0.1',
        'v@[IPv6:::1]',
        'v@2130706433',
        'v@x.test:25',
        'v@x.test/',
        'v@-x.test',
      ],
    ],
    [
      'I06 a line break or a header',
      [
        'v@x.test\r\nBcc: a@evil.test',
        'v@x.test\nSubject: x',
        'v\r@x.test',
        'v\r\n.\r\n@x.test',
        'v@x.test\0',
        'v@x.test\u2028Bcc: a@evil.test',
        'v@x.test%0d%0a,a@evil.test',
      ],
    ],
  ]
  test.each(lists)('%s is refused by name, and nothing is stored or sent', async (_, addresses) => {
    // What they do at these two is in test/http/bad-input.test.ts.
    const operations = taking('email').filter(({ path }) => !['/v1/register', '/v1/login'].includes(path))
    expect(operations.length).toBeGreaterThan(0)
    for (const operation of operations)
      for (const email of addresses) {
        const { errors = [] } = expectProblem(await send(operation, { email }), 'invalid_input')
        expect({ to: named(operation), email, at: errors.map(({ pointer }) => pointer) }).toMatchObject({
          at: ['/email'],
        })
      }
    await expectNothing()
  })

  test('I04 a look-alike is refused, and no mail goes to the one or the other', async () => {
    const [local = '', domain = ''] = victim.email.split('@')
    const alike = [
      `${local}\u0301@${domain}`,
      `${local.replace(/[ace]/, '\u0430')}@${domain}`,
      `${local}@${domain.replace('a', '\uff41')}`,
      `${local}@${domain.replace('.', '\u3002')}`,
      `${local}\uff20${domain}`,
      `${local}\u200b@${domain}`,
      `${victim.email}\u200f`,
      `${victim.email.toUpperCase()}\u0130`,
    ].filter((email) => email !== victim.email)
    for (const operation of taking('email'))
      for (const email of alike)
        expectInvalidInput(await send(operation, { email }), { '/email': 'invalid_email' })
    await expectNothing()
  })

  test('I04 mail goes to the address that is stored, however it was typed', async () => {
    for (const operation of taking('email').filter(
      ({ by, path }) => by === 'nothing' && /forgot|resend|code$/.test(path),
    )) {
      const { email } = await client.signUp()
      expect((await send(operation, { email: email.toUpperCase() })).status).toBe(202)
      await stage().service.consume()
      await expect.poll(() => stage().provider.sent(email).length).toBe(1)
      expect(
        stage()
          .provider.sent()
          .filter(({ to }) => to.toLowerCase() === email && to !== email),
      ).toEqual([])
    }
  })
})

describe('mail', () => {
  const hostile = [
    '<a href=//evil.test>click</a>',
    '{{7*7}} <%= 7*7 %> #{7*7} {% debug %} *{7*7} @(7*7)',
    '[click](https://evil.test) <https://evil.test>',
    'https://evil.test/?reset',
    '"><img src=x onerror=alert(1)>',
  ]
  test.each(hostile)(
    'I05 I06 a person, a tenant and a device called %j: one recipient, our links alone',
    async (name) => {
      const service = stage().service
      await service.sql('update tenants set name = $2 where id = $1', [proving.tenant.id, name])
      const email = newEmail()
      const json = { email, password: PASSWORD, name }
      const headers = { 'user-agent': name, 'x-forwarded-host': 'evil.test' }
      for (const mails of [1, 2]) {
        // The second time the address has an account, and is told so.
        expect((await proving.call('/v1/register', { json, headers })).status).toBe(202)
        await service.consume()
        await expect.poll(() => stage().provider.sent(email).length).toBe(mails)
        await service.sql('update users set email_verified_at = now() where email = $1', [email])
      }
      for (const mail of stage().provider.sent()) {
        expect(mail.to).toBe(email)
        expect(
          Object.keys(mail.headers).filter((header) => /^(b?cc|to|from|reply-to|subject)$/i.test(header)),
        ).toEqual([])
        // 49 is what a template would make of 7*7; a time of day has it too, behind a colon.
        expect(mail.text + mail.html + mail.subject + mail.from).not.toMatch(/evil\.test|(?<!:)\b49\b/)
        for (const link of linksOf(mail.html)) expect(new URL(link).origin).toBe(proving.tenant.origin)
      }
    },
  )

  test('I06 a name with a line break is refused, wherever one is taken', async () => {
    for (const operation of taking('name'))
      for (const name of [
        'Ada\r\nBcc: a@evil.test',
        'Ada\u2028x',
        'Ada\u0085x',
        '\0',
        '\u001b[2J',
        'Ada\u007f',
      ])
        expectInvalidInput(await send(operation, { name }), { '/name': 'invalid_characters' })
    await expectNothing()
  })
})

describe('types, keys and encodings', () => {
  test('I07 another type where text belongs is refused, also a list of what would be right', async () => {
    for (const operation of bodyOperations)
      for (const [field, right] of Object.entries(operation.body?.(victim.tokens) ?? {})) {
        if (typeof right !== 'string') continue
        const values: unknown[] = [
          [right],
          [[right]],
          { 0: right },
          { $ne: null },
          { $regex: '.*' },
          0,
          false,
        ]
        // What a change may clear takes null.
        for (const value of operation.method === 'PATCH' ? values : [null, ...values]) {
          const { errors = [] } = expectProblem(await send(operation, { [field]: value }), 'invalid_input')
          expect(errors).toEqual([
            {
              pointer: `/${field}`,
              code: ['transport', 'method', 'kind', 'credentials'].includes(field)
                ? 'not_allowed'
                : 'wrong_type',
            },
          ])
        }
      }
    await expectNothing()
  })

  test('I08 a polluted body changes no one, now or later', async () => {
    const polluted =
      '__proto__ constructor prototype a.__proto__.admin __proto__.roles constructor.prototype'.split(' ')
    for (const operation of bodyOperations)
      for (const key of polluted) {
        const text = JSON.stringify(operation.body?.(victim.tokens)).slice(0, -1)
        const answer = await send(
          operation,
          `${text},${JSON.stringify(key)}:{"admin":true,"roles":["admin"]}}`,
        )
        expectInvalidInput(answer, { [`/${key}`]: 'unknown_field' })
      }
    await expectNothing()
    const me = await client.me(victim.tokens.access_token)
    expect(me.body).toMatchObject({ roles: [] })
    expect(me.body).not.toHaveProperty('admin')
    const next = await client.signUp()
    expect(next.tokens.user.roles).toEqual([])
    expect(next.tokens.user).not.toHaveProperty('admin')
  })

  test('I10 two addresses in one body are none: neither gets a mail', async () => {
    for (const operation of taking('email')) {
      const { email: _, ...rest } = operation.body?.(victim.tokens) ?? {}
      const others = JSON.stringify(rest).slice(1, -1)
      for (const [first, second] of [
        [victim.email, 'v@evil.test'],
        ['v@evil.test', victim.email],
      ])
        for (const key of ['"email"', '"\\u0065mail"']) {
          const text = `{"email":"${first}",${key}:"${second}"${others && `,${others}`}}`
          expectProblem(await send(operation, text), 'invalid_json')
        }
    }
    await expectNothing()
  })

  const pages = [...new Set(Object.values(PURPOSES).map(({ path }) => path))]
  const token = A_TOKEN

  test.each(pages)('I10 %s takes one token, in one encoding', async (page) => {
    for (const query of [
      `token=${token}&token=${token}`,
      `token=${token}&%74oken=${token}`,
      'token[]=x',
      'token=',
      '',
    ])
      expect((await client.call(`${page}?${query}`)).status, query).toBe(400)
    const post = (body: string | Uint8Array, type = 'application/x-www-form-urlencoded') =>
      client.call(page, { method: 'POST', body, headers: { 'content-type': type } })
    const forms: [string | Uint8Array, number][] = [
      [`token=${token}&token=${token}`, 422],
      [`token=${token}&%74oken=x`, 422],
      [`token=${token}&__proto__=x`, 422],
      [`token=${token}&constructor.prototype.admin=1`, 422],
      ['token=%ff', 400],
      ['token=%00', 422],
      ['token=', 422],
      [Buffer.from(`token=${token}`, 'utf16le'), 422],
      [`\ufefftoken=${token}`, 422],
      ['a=1&'.repeat(4000), 422],
    ]
    for (const [body, status] of forms)
      expect({ body: String(body).slice(0, 40), status: (await post(body)).status }).toEqual({
        body: String(body).slice(0, 40),
        status: expect.toBeOneOf(status === 422 ? [400, 422] : [status]), // a page may ask for more than the token
      })
    for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain'])
      expect((await post(`token=${token}`, type)).status).toBe(415)
    await expectNothing()
  })
})

describe('tokens and codes', () => {
  const garbage = [
    ...'null undefined NaN true 0 %00 ../../x * % _ lko_ lkr_ {"$gt":""} ;drop-table-users;--'.split(' '),
    ...['', ' ', '[object Object]', "' or '1'='1", '\r\nSet-Cookie: a=b', '\u202e', 'x'.repeat(200)],
    ...[A_TOKEN.slice(0, -1), `${A_TOKEN}A`, A_TOKEN.replace('lko', 'LKO'), ` ${A_TOKEN}`, `${A_TOKEN} `],
    ...[`${A_TOKEN}\n`, `lko_${'\uff21'.repeat(43)}`, `${A_TOKEN.slice(0, -1)}=`, A_TOKEN],
  ]

  test('I10 I13 a token that is none opens nothing, blank ones least of all', async () => {
    expect(taking('token').length).toBeGreaterThan(0)
    for (const operation of taking('token')) {
      const answers = await Promise.all(garbage.map((token) => send(operation, { token })))
      for (const [index, answer] of answers.entries())
        expectUnheard(answer, { to: named(operation), token: garbage[index] })
      for (const token of ['\0', 'lko_\ud800', 'x'.repeat(201)])
        expect(expectProblem(await send(operation, { token }), 'invalid_input').errors?.[0]?.pointer).toBe(
          '/token',
        )
    }
    await expectNothing()
  })

  test('I10 I13 a code that is no six digits signs no one in', async () => {
    const codes = [
      ...'0x1234 12345 1234567 12345a 1e5000 -12345 +12345 123.456 null % ______ ------'.split(' '),
      ...['', ' ', '      ', '123\n456', "' or 1=1--", '\uff11\uff12\uff13\uff14\uff15\uff16'],
      '\u0661\u0662\u0663\u0664\u0665\u0666',
    ]
    expect(taking('code').length).toBeGreaterThan(0)
    for (const operation of taking('code'))
      for (const code of codes) {
        const email = newEmail() // wrong codes are counted by address
        expectUnheard(await send(operation, { email, code }), { to: named(operation), code })
      }
    expect(stage().provider.calls()).toEqual([])
  })
})

describe('passwords', () => {
  const blank = ['', ' ', '\t', '\u00a0', '\u200b']

  test('I13 a blank one is wrong at login, alike for an account with one, an account without one, and no account', async () => {
    const [withOne, without] = [await client.signUp(), await client.signUp()]
    await stage().service.sql('delete from passwords where user_id = $1', [without.tokens.user.id])
    for (const password of blank) {
      const answers = []
      for (const email of [withOne.email, without.email, newEmail()]) {
        const answer = await client.login(email, password)
        const { request_id: _, ...problem } = expectProblem(answer, 'invalid_credentials')
        answers.push({ problem, trips: answer.trips })
      }
      expect(answers[1]).toEqual(answers[0])
      expect(answers[2]).toEqual(answers[0])
    }
    for (const password of [null, undefined])
      for (const email of [withOne.email, without.email, newEmail()])
        expectInvalidInput(await client.call('/v1/login', { json: { email, password } }), {
          '/password': password === null ? 'wrong_type' : 'missing',
        })
  })

  test.each(['password', 'current_password'])(
    'I13 a blank `%s` of a signed-in caller is a wrong one, also of one without any',
    async (field) => {
      const operations = taking(field).filter(({ by }) => by === 'bearer')
      expect(operations.length).toBeGreaterThan(0)
      for (const operation of operations)
        for (const password of blank.slice(0, 2)) {
          const [withOne, without] = [await client.signUp(), await client.signUp()]
          await stage().service.sql('delete from passwords where user_id = $1', [without.tokens.user.id])
          const answers = []
          for (const { tokens } of [withOne, without]) {
            const answer = await send(operation, { [field]: password }, tokens)
            const { request_id: _, ...problem } = expectProblem(answer, 'invalid_credentials')
            answers.push({ problem, trips: answer.trips })
          }
          expect(answers[1]).toEqual(answers[0])
        }
    },
  )

  test('I13 a blank one is never chosen', async () => {
    for (const password of blank) {
      const { status } = await client.register(newEmail(), password)
      expect({ password, status }).toEqual({ password, status: 422 })
    }
    for (const operation of taking('new_password')) {
      const { tokens } = await client.signUp()
      for (const password of blank) {
        const answer = await send(operation, { new_password: password }, tokens)
        expectInvalidInput(answer, { '/new_password': 'too_short' })
      }
      expect((await client.login(tokens.user.email)).status).toBe(200)
    }
    expect(stage().provider.calls()).toEqual([])
  })
})

describe('ids, lists and names', () => {
  test('I11 a path in the place of an id is nothing, on every operation that takes one', async () => {
    const { email } = await client.signUpAdmin()
    const ids = [
      ...'..%2fadmin %2e%2e ..%2f..%2fme %2e%2e%2fme %5c..%5cme x 0 -1 null %00 *'.split(' '),
      ...`1'%20or%20'1'='1 %F0%9F%92%A9 ${OTHER_ID}%00 ${OTHER_ID}%20 %7B${OTHER_ID}%7D`.split(' '),
      ...[
        OTHER_ID.replaceAll('-', ''),
        OTHER_ID.replace(/.$/, 'g'),
        `${OTHER_ID},${OTHER_ID}`,
        'a'.repeat(4000),
      ],
    ]
    const operations = bearerOperations.filter(({ path }) => path.includes(OTHER_ID))
    expect(operations.length).toBeGreaterThan(5)
    for (const id of ids) {
      const tokens = await client.signIn(email) // a session has a limit
      before = await stored()
      const paths = operations.map(({ path }) => path.replaceAll(OTHER_ID, id))
      const answers = await Promise.all(
        operations.map((operation, index) =>
          perform(client, { ...operation, path: paths[index] ?? '' }, tokens),
        ),
      )
      expect(answers.map(({ status }, index) => [paths[index], status])).toEqual(
        paths.map((path) => [path, 404]),
      )
      expect(await stored()).toEqual(before)
    }
  })

  test('I12 a column, a condition or a cursor of a stranger is refused on every list', async () => {
    const { tokens } = await client.signUpAdmin()
    before = await stored()
    const cursor = (text: string) => Buffer.from(text).toString('base64url')
    const queries = [
      ...'sort=created_at sort=(select%20version()) order=desc;drop%20table%20users order_by=1 fields=*'.split(
        ' ',
      ),
      ...'select=* filter[email]=x filter[$where]=1 where=1=1 email[$gt]= or=(id.gt.0) group=id join=users'.split(
        ' ',
      ),
      ...'limit=1%20offset%200 limit=all limit=1&limit=1 offset=1 page=2 tenant_id=x user_id=x %00=1'.split(
        ' ',
      ),
      ...`include=passwords __proto__[admin]=1 cursor=${OTHER_ID} cursor=0 cursor='`.split(' '),
      ...[`cursor=${cursor("' or 1=1--")}`, `cursor=${cursor('{"id":{"$gt":""}}')}`],
    ]
    for (const list of [
      '/v1/sessions',
      '/v1/webhooks',
      `/v1/webhooks/${tokens.session.id}/deliveries`,
      '/v1/admin/audit-events',
    ]) {
      expect((await client.call(list, { bearer: tokens.access_token })).status).toBe(200)
      const call = (query: string) => client.call(`${list}?${query}`, { bearer: tokens.access_token })
      for (const answer of await Promise.all(queries.map(call))) expectProblem(answer, 'invalid_input')
    }
    expect(await stored()).toEqual(before)
  })

  const names = [
    ...`","roles":["admin"],"x":"|O'Brien|"|\\|\\"|</script><script>alert(1)</script>|{"$gt":""}|{{7*7}}`.split(
      '|',
    ),
    ...`=cmd|@SUM(1+1)|+1|-1|%0d%0aSet-Cookie: a=b|null|__proto__|李小龍 🦊`.split('|'),
    ...["=cmd|' /C calc'!A0", '\u202egnp.exe', 'x\u200by', '${', '}'.repeat(200)],
  ]

  test.each(names)(
    'I14 the name %j is text: kept as it is, in no claim, and no other field',
    async (name) => {
      const plain = await client.register(newEmail(), PASSWORD, { name: 'Ada' })
      const { status, body } = await client.register(newEmail(), PASSWORD, { name })
      expect(status).toBe(201)
      expect((await client.me(body.access_token)).body).toMatchObject({
        name,
        roles: [],
        email_verified: false,
      })
      const [claims, usual] = [claimsOf(body), claimsOf(plain.body)]
      expect(Object.keys(claims)).toEqual(Object.keys(usual))
      expect(claims).toMatchObject({ roles: [], sub: body.user.id })
      expect(Object.values(claims)).not.toContain(name)
      const others = await client.call('/v1/me', {
        method: 'PATCH',
        json: { name },
        bearer: plain.body.access_token,
      })
      expect(others.body).toMatchObject({ ...plain.body.user, name })
    },
  )

  test('I14 reserved claims are no fields', async () => {
    const reserved =
      'sub iss aud exp roles scope amr acr auth_time tid sid email_verified metadata user_metadata'.split(' ')
    for (const operation of taking('name'))
      for (const claim of reserved)
        expectInvalidInput(await send(operation, { [claim]: ['admin'] }), { [`/${claim}`]: 'unknown_field' })
    await expectNothing()
  })

  test('I14 what is exported and delivered of strange people is one JSON text each', async () => {
    const own = await newClient(stage().service)
    const { tokens } = await own.signUpAdmin()
    for (const name of names) {
      const { body } = await own.register(newEmail(), PASSWORD, { name: 'Ada' })
      await own.call('/v1/me', {
        method: 'PATCH',
        json: { name },
        bearer: body.access_token,
        headers: { 'user-agent': name.replace(/[^ -~]/g, '?') },
      })
    }
    await stage().service.consume()
    const exported = await (await startExport(stage().service, own, tokens.access_token)).text()
    const lines: object[] = exported
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.length).toBeGreaterThan(names.length)
    expect(new Set(lines.map((line) => Object.keys(line).join())).size).toBe(1)
    const payloads = await stage().service.sql<{ payload: string }>(
      'select payload from webhook_deliveries where tenant_id = $1',
      [own.tenant.id],
    )
    for (const { payload } of payloads) expect(JSON.parse(payload)).toBeTypeOf('object')
  })
})

const claimsOf = ({ access_token }: Tokens): Record<string, unknown> =>
  JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString())

/** Everything in the page that anyone could follow or load. */
function linksOf(html: string): string[] {
  const links: string[] = []
  const walk = (node: object) => {
    const { attrs = [], childNodes = [] } = node as {
      attrs?: { name: string; value: string }[]
      childNodes?: object[]
    }
    for (const { name, value } of attrs)
      if (/^(href|src|action|background|srcset)$/.test(name)) links.push(value)
    for (const child of childNodes) walk(child)
  }
  walk(parse(html))
  return links
}
