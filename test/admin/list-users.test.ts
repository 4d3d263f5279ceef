/** Finding accounts: what is found by what, page by page, and never across a tenant. */
import { describe, expect, test } from 'vitest'
import { newOffice, type Office } from '../support/administration.ts'
import { newEmail } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'listUsers')

type Listed = { id: string; email: string; status: string; roles: string[] }
type Page = { data: Listed[]; next_cursor: string | null }

async function find(office: Office, query: Record<string, string> = {}): Promise<Page> {
  const { status, body } = await office.read(`/v1/admin/users?${new URLSearchParams(query)}`)
  expect(status, JSON.stringify(body)).toBe(200)
  return body as Page
}

async function findAll(office: Office, query: Record<string, string>): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page = await find(office, { ...query, ...(cursor && { cursor }) })
    ids.push(...page.data.map(({ id }) => id))
    cursor = page.next_cursor
  }
  return ids
}

const idsOf = ({ data }: Page) => data.map(({ id }) => id)

describe('accepts', () => {
  test('admin 3: lists accounts with what an administrator asks first, and nothing secret', async () => {
    const office = await newOffice(service())
    const { id, email } = await office.plant({ roles: ['editor'] })
    const { data } = await find(office, { email_prefix: email })
    expect(data).toEqual([
      {
        ...{ id, email, email_verified: true, name: null, roles: ['editor'], locale: null, status: 'active' },
        created_at: expect.stringMatching(/Z$/),
        email_verified_at: expect.stringMatching(/Z$/),
        second_factor_since: null,
        closed_at: null,
        external_id: null,
      },
    ])
  })

  test('admin 3: finds by the beginning of an address, in order of address, whatever its case', async () => {
    const office = await newOffice(service())
    const mark = newEmail().slice(0, 8)
    const emails = ['c', 'a', 'b'].map((letter) => `${mark}-${letter}@example.com`)
    for (const email of emails) await office.plant({ email })
    await office.plant({ email: `x${mark}@example.com` })
    const { data } = await find(office, { email_prefix: mark.toUpperCase() })
    expect(data.map(({ email }) => email)).toEqual(emails.toSorted())
    expect(idsOf(await find(office, { email_prefix: `${mark}-%` }))).toEqual([])
    expect(idsOf(await find(office, { email_prefix: `${mark}_a` }))).toEqual([])
  })

  test('admin 3: finds by status and by role', async () => {
    const office = await newOffice(service())
    const [active, disabled, closed] = [
      await office.plant({ roles: ['editor', 'reader'] }),
      await office.plant({ status: 'disabled', roles: ['reader'] }),
      await office.plant({ status: 'closed', roles: ['reader'] }),
    ]
    const own = office.tokens.user.id
    expect(new Set(idsOf(await find(office)))).toEqual(new Set([own, active.id, disabled.id, closed.id]))
    expect(new Set(idsOf(await find(office, { status: 'active' })))).toEqual(new Set([own, active.id]))
    expect(idsOf(await find(office, { status: 'disabled' }))).toEqual([disabled.id])
    expect(idsOf(await find(office, { status: 'closed' }))).toEqual([closed.id])
    expect(idsOf(await find(office, { role: 'editor' }))).toEqual([active.id])
    expect(idsOf(await find(office, { role: 'reader', status: 'disabled' }))).toEqual([disabled.id])
    expect(idsOf(await find(office, { role: 'admin' }))).toEqual([own])
    expect(idsOf(await find(office, { role: 'edit' }))).toEqual([])
  })

  test('administration 4: finds by the external id, exactly, and together with other filters', async () => {
    const office = await newOffice(service())
    const elsewhere = await newOffice(service())
    for (const { plant } of [office, elsewhere])
      for (const [external, status] of [
        ['crm-1', 'active'],
        ['crm-10', 'disabled'],
        ['CRM-1', 'active'],
      ] as const) {
        const { id } = await plant({ status })
        await service().sql('update users set external_id = $2 where id = $1', [id, external])
      }
    const found = async (query: Record<string, string>) =>
      (await find(office, query)).data.map((one) => (one as Listed & { external_id: string }).external_id)
    expect(await found({ external_id: 'crm-1' })).toEqual(['crm-1'])
    expect(await found({ external_id: 'crm-10', status: 'disabled' })).toEqual(['crm-10'])
    expect(await found({ external_id: 'crm-10', status: 'active' })).toEqual([])
    expect(await found({ external_id: 'crm-' })).toEqual([])
    expect(await found({ external_id: 'crm-%' })).toEqual([])
  })

  test('admin 3: an erased account is not listed', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant({ status: 'closed' })
    await service().sql('update users set erased_at = now(), email = null where id = $1', [id])
    expect(idsOf(await find(office))).not.toContain(id)
  })

  test.each<[Record<string, string>, string]>([
    [{}, 'newest first'],
    [{ email_prefix: 'page-' }, 'by address'],
  ])('goes through the pages of a cursor with %j (%s): each account once, in order', async (query, _) => {
    const office = await newOffice(service())
    // The same address twice: it was closed, and is open again.
    const email = 'page-twice@example.com'
    await office.plant({ email, status: 'closed' })
    await office.plant({ email })
    for (let index = 0; index < 5; index++) await office.plant({ email: `page-${index}@example.com` })
    const all = await findAll(office, { ...query, limit: '100' })
    expect(all.length).toBeGreaterThanOrEqual(7)
    expect(await findAll(office, { ...query, limit: '2' })).toEqual(all)
    expect(await findAll(office, { ...query, limit: '1' })).toEqual(all)
  })
})

describe('refuses', () => {
  test.each<[Record<string, string>, Record<string, string>]>([
    [{ email_prefix: 'a b' }, { '/email_prefix': 'invalid_email' }],
    [{ email_prefix: '' }, { '/email_prefix': 'invalid_email' }],
    [{ email_prefix: 'ä' }, { '/email_prefix': 'invalid_email' }],
    [{ status: 'erased' }, { '/status': 'not_allowed' }],
    [{ role: 'two words' }, { '/role': 'invalid_role' }],
    [{ external_id: '' }, { '/external_id': 'invalid_id' }],
    [{ limit: '101' }, { '/limit': 'out_of_range' }],
    [{ cursor: 'x' }, { '/cursor': 'invalid_cursor' }],
  ])('%j', async (query, fields) => {
    const office = await newOffice(service())
    const answer = await office.read(`/v1/admin/users?${new URLSearchParams(query)}`)
    expectInvalidInput(answer, fields)
  })

  test('an administrator whose sign-in is old', async () => {
    const office = await newOffice(service())
    await service().sql(`update sessions set auth_time = now() - interval '11 minutes' where id = $1`, [
      office.tokens.session.id,
    ])
    expectProblem(await office.read('/v1/admin/users'), 'insufficient_user_authentication')
  })
})

describe('attacks', () => {
  test('K05: two tenants with the same addresses and roles: no filter and no cursor shows what the other has', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const emails = ['same-1@example.com', 'same-2@example.com', 'same-3@example.com']
    for (const email of emails)
      for (const { plant } of [mine, theirs]) await plant({ email, roles: ['editor'] })
    await service().sql(
      `update users set external_id = 'same-1' where email = 'same-1@example.com' and tenant_id = any($1)`,
      [[mine.client.tenant.id, theirs.client.tenant.id]],
    )
    const ids = async ({ client }: Office) =>
      (
        await service().sql<{ id: string }>('select id from users where tenant_id = $1', [client.tenant.id])
      ).map(({ id }) => id)
    const foreign = await ids(theirs)
    for (const query of [
      {},
      { email_prefix: 'same' },
      { role: 'editor' },
      { role: 'admin' },
      { status: 'active' },
      { external_id: 'same-1' },
    ]) {
      const found = await findAll(mine, { limit: '1', ...query } as Record<string, string>)
      expect(found.length).toBeGreaterThan(0)
      expect(found.filter((id) => foreign.includes(id))).toEqual([])
    }
    const { next_cursor: cursor } = await find(theirs, { limit: '1' })
    const answer = await mine.read(
      `/v1/admin/users?${new URLSearchParams({ limit: '1', cursor: cursor ?? '' })}`,
    )
    expectInvalidInput(answer, { '/cursor': 'invalid_cursor' })
  })

  test('K09, K13: no filter, order or member asks about what no answer shows', async () => {
    const office = await newOffice(service())
    for (const name of [
      'password_hash',
      'phc',
      'totp_secret',
      'token_hash',
      'sort',
      'order',
      'q',
      'fields',
      'include',
      'expand',
      'tenant_id',
      'metadata',
    ])
      expectInvalidInput(await office.read(`/v1/admin/users?${name}=x`), { [`/${name}`]: 'unknown_field' })
    for (const query of ['roles[$ne]=x', 'status[]=active', 'email_prefix[$regex]=.'])
      expect((await office.read(`/v1/admin/users?${encodeURI(query)}`)).status).toBe(422)
  })

  test('a cursor of one list is none of another, nor with other filters', async () => {
    const office = await newOffice(service())
    await office.plant()
    const { next_cursor: cursor } = await find(office, { limit: '1' })
    for (const query of [{ status: 'active' }, { role: 'admin' }, { email_prefix: 'a' }]) {
      const params = new URLSearchParams({ ...query, cursor: cursor ?? '' } as Record<string, string>)
      expectInvalidInput(await office.read(`/v1/admin/users?${params}`), { '/cursor': 'invalid_cursor' })
    }
  })
})
