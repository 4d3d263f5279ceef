/** Roles that an administrator grants and revokes: at once, together, and never the last `admin`. */
import { describe, expect, test } from 'vitest'
import { colleagueOf, eventsAbout, newOffice } from '../support/administration.ts'
import { race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, {
  method: 'POST',
  path: '/v1/admin/users/:id/roles',
  allow: 'POST',
  caller: 'admin',
  json: { reason: 'a new post' },
  optional: ['grant', 'revoke'],
})

const rolesOf = async (id: string) =>
  (await service().sql<{ roles: string[] }>('select roles from users where id = $1', [id]))[0]?.roles

describe('accepts', () => {
  test('admin 3: grants and revokes in one step, answers what there is now, and records what changed', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant({ roles: ['reader', 'writer'] })
    const json = { grant: ['editor', 'reader'], revoke: ['writer', 'none'], reason: 'a new post' }
    const answer = await office.act('roles', id, json)
    expect(answer).toMatchObject({ status: 200, trips: { postgres: 1, redis: 1 } })
    expect(answer.body).toEqual({ roles: ['reader', 'editor'] })
    expect(await rolesOf(id)).toEqual(['reader', 'editor'])
    expect(await eventsAbout(service(), id)).toEqual([
      {
        type: 'user.roles_changed',
        actor: office.tokens.user.id,
        data: { granted: ['editor'], revoked: ['writer'], reason: 'a new post' },
      },
    ])
  })

  test('what is named both times is revoked; what is so already is no event', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant({ roles: ['reader'] })
    expect((await office.act('roles', id, { grant: ['reader'], revoke: ['other'] })).body).toEqual({
      roles: ['reader'],
    })
    expect(await eventsAbout(service(), id)).toEqual([])
    expect((await office.act('roles', id, { grant: ['reader'], revoke: ['reader'] })).body).toEqual({
      roles: [],
    })
    expect((await office.act('roles', id, {})).body).toEqual({ roles: [] })
  })

  test('of 50 grants of different roles at the same time none is lost, until there is no room', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant()
    const answers = await race(50, (index) => office.act('roles', id, { grant: [`role-${index}`] }))
    const refused = answers.filter(({ status }) => status !== 200)
    for (const answer of refused) expectProblem(answer, 'too_many_roles')
    expect(refused).toHaveLength(18)
    expect(await rolesOf(id)).toHaveLength(32)
    expect(
      (await office.act('roles', id, { grant: ['x'], revoke: ['role-0', 'role-1', 'role-2'] })).status,
    ).toBe((await rolesOf(id))?.includes('x') ? 200 : 409)
  })

  test('admin 3: an administrator is one at once, by the token that they hold', async () => {
    const office = await newOffice(service())
    const { tokens } = await office.client.signUp()
    await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    const list = () => office.client.call('/v1/admin/users', { bearer: tokens.access_token })
    expectProblem(await list(), 'insufficient_role')
    await office.act('roles', tokens.user.id, { grant: ['admin'] })
    expect((await list()).status).toBe(200)
    await office.act('roles', tokens.user.id, { revoke: ['admin'] })
    expectProblem(await list(), 'insufficient_role')
  })
})

describe('refuses', () => {
  test('K16: to take `admin` from oneself; other roles are one’s own to give up', async () => {
    const office = await newOffice(service())
    await colleagueOf(service(), office)
    const own = office.tokens.user.id
    expectProblem(await office.act('roles', own, { revoke: ['admin'] }), 'own_account')
    expect((await office.act('roles', own, { grant: ['editor'] })).status).toBe(409) // never proved
    await service().sql('update users set email_verified_at = now() where id = $1', [own])
    expect((await office.act('roles', own, { grant: ['editor'] })).body).toEqual({
      roles: ['admin', 'editor'],
    })
  })

  test('to grant to an account whose address was never proved', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant({ isProved: false, roles: ['reader'] })
    expectProblem(await office.act('roles', id, { grant: ['admin'] }), 'account_not_verified')
    expect(await rolesOf(id)).toEqual(['reader'])
    expect((await office.act('roles', id, { revoke: ['reader'] })).body).toEqual({ roles: [] })
  })

  test('a closed account', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant({ status: 'closed' })
    expectProblem(await office.act('roles', id, { grant: ['reader'] }), 'account_closed')
  })

  test.each<[unknown, Record<string, string>]>([
    [{ grant: 'admin' }, { '/grant': 'wrong_type' }],
    [{ grant: ['two words'] }, { '/grant/0': 'invalid_role' }],
    [{ roles: ['admin'] }, { '/roles': 'unknown_field' }],
    [{ permissions: ['*'] }, { '/permissions': 'unknown_field' }],
  ])('%j', async (json, fields) => {
    const office = await newOffice(service())
    const { id } = await office.plant()
    expectInvalidInput(await office.act('roles', id, json), fields)
    expect(await rolesOf(id)).toEqual([])
  })
})

describe('attacks', () => {
  test('K16: of 50 administrators who all take the role from each other at the same time, one is left', async () => {
    const office = await newOffice(service())
    const others = await Promise.all(Array.from({ length: 49 }, () => colleagueOf(service(), office)))
    const all = [office, ...others]
    const answers = await race(50, (index) =>
      (all[index] ?? office).act('roles', all[(index + 1) % all.length]?.tokens.user.id ?? '', {
        revoke: ['admin'],
      }),
    )
    for (const { status } of answers) expect([200, 403]).toContain(status)
    const left = await service().sql(`select id from users where tenant_id = $1 and 'admin' = any(roles)`, [
      office.client.tenant.id,
    ])
    expect(left.length).toBeGreaterThanOrEqual(1)
  })

  test('K03: who holds other roles, whatever they are called, administers nothing', async () => {
    const office = await newOffice(service())
    const { tokens } = await office.client.signUp()
    await service().sql(`update users set roles = '{owner,superadmin,Admin,administrator}' where id = $1`, [
      tokens.user.id,
    ])
    const call = { bearer: tokens.access_token, json: { grant: ['admin'] } }
    expectProblem(
      await office.client.call(`/v1/admin/users/${tokens.user.id}/roles`, call),
      'insufficient_role',
    )
  })

  test.each(['Admin', 'ADMIN', 'admin\u200b', 'аdmin', 'admin.'])(
    'K04: the role %j is not `admin`',
    async (role) => {
      const office = await newOffice(service())
      const { tokens } = await office.client.signUp()
      await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
      await office.act('roles', tokens.user.id, { grant: [role] })
      const list = await office.client.call('/v1/admin/users', { bearer: tokens.access_token })
      expectProblem(list, 'insufficient_role')
    },
  )

  test('K05: an account of another tenant is not found, and has the roles that it had', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const { id } = await theirs.plant()
    expectProblem(await mine.act('roles', id, { grant: ['admin'] }), 'not_found')
    expect(await rolesOf(id)).toEqual([])
    expectProblem(await mine.act('roles', theirs.tokens.user.id, { revoke: ['admin'] }), 'not_found')
    expect(await rolesOf(theirs.tokens.user.id)).toEqual(['admin'])
  })
})
