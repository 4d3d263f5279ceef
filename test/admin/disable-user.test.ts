/** Disabling an account: what ends, what stays, and that no tenant is left without an administrator. */
import { describe, expect, test } from 'vitest'
import { usersCommand } from '../../ops/users.ts'
import { colleagueOf, eventsAbout, newOffice } from '../support/administration.ts'
import { countBy, PASSWORD, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { runInProcess } from '../support/operator-command.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'disableUser')

const statusOf = async (id: string) =>
  (await service().sql<{ status: string }>('select status from users where id = $1', [id]))[0]?.status

const administratorsOf = (tenantId: string) =>
  service().sql(
    `select id from users where tenant_id = $1 and 'admin' = any(roles) and status = 'active' and deleted_at is null`,
    [tenantId],
  )

describe('accepts', () => {
  test('admin 3: the account is out everywhere at once, and what its owner knows works when it is enabled', async () => {
    const office = await newOffice(service())
    const { email, tokens } = await office.client.newAccount()
    const answer = await office.act('disable', tokens.user.id, { reason: 'a court order' })
    expect(answer).toMatchObject({ status: 204, trips: { postgres: 1, redis: 1 } })
    expectProblem(await office.client.me(tokens.access_token), 'invalid_token')
    expectProblem(await office.client.refresh(tokens.refresh_token), 'invalid_grant')
    expect((await office.client.login(email)).status).toBe(401)
    expect((await office.act('enable', tokens.user.id)).status).toBe(204)
    expect((await office.client.login(email, PASSWORD)).status).toBe(200)
  })

  test('admin 3: who did it and why is in the event', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant()
    await office.act('disable', id, { reason: ' a court order ' })
    expect(await eventsAbout(service(), id)).toEqual([
      {
        type: 'user.disabled',
        actor: office.tokens.user.id,
        data: { session_ids: [], reason: 'a court order' },
      },
    ])
  })

  test('an account that is disabled already is so, and no event says it again', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant()
    const answers = await race(10, () => office.act('disable', id))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 204: 10 })
    expect(await eventsAbout(service(), id)).toHaveLength(1)
  })
})

describe('refuses', () => {
  test('K16: oneself, and changes nothing', async () => {
    const office = await newOffice(service())
    await colleagueOf(service(), office)
    expectProblem(await office.act('disable', office.tokens.user.id), 'own_account')
    expect(await statusOf(office.tokens.user.id)).toBe('active')
    expect((await office.client.me(office.tokens.access_token)).status).toBe(200)
  })

  test('a closed account, and one that is erased', async () => {
    const office = await newOffice(service())
    const [closed, erased] = [
      await office.plant({ status: 'closed' }),
      await office.plant({ status: 'closed' }),
    ]
    await service().sql('update users set erased_at = now(), email = null where id = $1', [erased.id])
    expectProblem(await office.act('disable', closed.id), 'account_closed')
    expectProblem(await office.act('disable', erased.id), 'not_found')
  })

  test.each<[unknown, Record<string, string>]>([
    [{ reason: 'x'.repeat(201) }, { '/reason': 'too_long' }],
    [{ reason: 'a\nb' }, { '/reason': 'invalid_characters' }],
    [{ reason: '' }, { '/reason': 'too_short' }],
    [{ status: 'active' }, { '/status': 'unknown_field' }],
  ])('%j', async (json, fields) => {
    const office = await newOffice(service())
    const { id } = await office.plant()
    expectInvalidInput(await office.act('disable', id, json), fields)
    expect(await statusOf(id)).toBe('active')
  })

  test('the last administrator by a command, unless that is said', async () => {
    const { client, tokens } = await newOffice(service())
    const disable = (...words: string[]) =>
      runInProcess(usersCommand, service().operator, [
        ...['disable', tokens.user.id, '--yes', '--tenant', client.tenant.slug, ...words],
      ])
    expect(await disable()).toMatchObject({ status: 1, stderr: expect.stringContaining('--last') })
    expect(await statusOf(tokens.user.id)).toBe('active')
    expect((await disable('--last')).status).toBe(0)
    expect(await statusOf(tokens.user.id)).toBe('disabled')
  })
})

describe('attacks', () => {
  test('K05: an account of another tenant is not found, and stays as it is', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const { id } = await theirs.plant()
    expectProblem(await mine.act('disable', id), 'not_found')
    expect(await statusOf(id)).toBe('active')
    expect(await eventsAbout(service(), id)).toEqual([])
  })

  test('K16: of 50 administrators who all disable each other at the same time, one is left', async () => {
    const office = await newOffice(service())
    const others = await Promise.all(Array.from({ length: 49 }, () => colleagueOf(service(), office)))
    const all = [office, ...others]
    const answers = await race(50, (index) =>
      (all[index] ?? office).act('disable', all[(index + 1) % all.length]?.tokens.user.id ?? ''),
    )
    for (const { status } of answers) expect([204, 401]).toContain(status)
    expect((await administratorsOf(office.client.tenant.id)).length).toBeGreaterThanOrEqual(1)
  })

  test('K14: an administrator who was disabled does nothing more, by the token that they hold', async () => {
    const office = await newOffice(service())
    const colleague = await colleagueOf(service(), office)
    const { id } = await office.plant()
    await office.act('disable', colleague.tokens.user.id)
    expectProblem(await colleague.act('disable', id), 'invalid_token')
    expect(await statusOf(id)).toBe('active')
  })

  test('sign-ins that race with it leave no session that lives', async () => {
    const office = await newOffice(service())
    const { email, tokens } = await office.client.newAccount()
    await Promise.all([
      ...Array.from({ length: 20 }, () => office.client.login(email)),
      office.act('disable', tokens.user.id),
    ])
    expect((await office.read(`/v1/admin/users/${tokens.user.id}`)).body).toMatchObject({ live_sessions: 0 })
  })
})
