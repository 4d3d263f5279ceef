/** Closing an account of another: as its owner would, and never the last administrator's. */
import { describe, expect, test } from 'vitest'
import { colleagueOf, eventsAbout, newOffice } from '../support/administration.ts'
import { race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'closeUser')

describe('accepts', () => {
  test('admin 3: everything ends, its address is free, and the mailed link restores it', async () => {
    const office = await newOffice(service())
    const { email, tokens } = await office.client.newAccount()
    const answer = await office.act('close', tokens.user.id, { reason: 'asked by letter' })
    expect(answer).toMatchObject({ status: 204, trips: { postgres: 1, redis: 1 } })
    expectProblem(await office.client.me(tokens.access_token), 'invalid_token')
    expect((await office.client.login(email)).status).toBe(401)
    expect((await office.read(`/v1/admin/users/${tokens.user.id}`)).body).toMatchObject({ status: 'closed' })
    const [deleted] = (await eventsAbout(service(), tokens.user.id)).filter(
      ({ type }) => type === 'user.deleted',
    )
    expect(deleted).toMatchObject({
      actor: office.tokens.user.id,
      data: { reason: 'asked by letter', token_id: expect.any(String), erased_after: expect.any(String) },
    })
    const { token } = await office.client.mailed('restore_account', tokens)
    expect((await office.client.call('/v1/me/restore', { json: { token } })).status).toBe(204)
    expect((await office.read(`/v1/admin/users/${tokens.user.id}`)).body).toMatchObject({ status: 'active' })
  })

  test('one that is closed already stays so, without an event', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant()
    await race(10, () => office.act('close', id))
    expect(await eventsAbout(service(), id)).toHaveLength(1)
  })
})

describe('refuses', () => {
  test('K16: oneself, who has DELETE /v1/me', async () => {
    const office = await newOffice(service())
    await colleagueOf(service(), office)
    expectProblem(await office.act('close', office.tokens.user.id), 'own_account')
    expect((await office.client.me(office.tokens.access_token)).status).toBe(200)
  })

  test('K05: an account of another tenant, which stays open', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const { tokens } = await theirs.client.newAccount()
    expectProblem(await mine.act('close', tokens.user.id), 'not_found')
    expect((await theirs.client.me(tokens.access_token)).status).toBe(200)
  })
})

describe('attacks', () => {
  test('K16: of 50 administrators who all close each other at the same time, one is left', async () => {
    const office = await newOffice(service())
    const others = await Promise.all(Array.from({ length: 49 }, () => colleagueOf(service(), office)))
    const all = [office, ...others]
    const answers = await race(50, (index) =>
      (all[index] ?? office).act('close', all[(index + 1) % all.length]?.tokens.user.id ?? ''),
    )
    for (const { status } of answers) expect([204, 401]).toContain(status)
    const left = await service().sql(
      `select id from users where tenant_id = $1 and 'admin' = any(roles) and deleted_at is null`,
      [office.client.tenant.id],
    )
    expect(left.length).toBeGreaterThanOrEqual(1)
  })
})
