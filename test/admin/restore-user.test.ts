import { describe, expect, test } from 'vitest'
import { eventsAbout, newOffice } from '../support/administration.ts'
import { race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'restoreUser')

describe('accepts', () => {
  test('admin 3: opens a closed account, signed out and without a password, once', async () => {
    const office = await newOffice(service())
    const { email, tokens } = await office.client.signUp()
    await office.act('close', tokens.user.id)
    const answers = await race(10, () => office.act('restore', tokens.user.id, { reason: 'a mistake' }))
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 204, trips: { postgres: 1, redis: 1 } })
    expect(
      (await eventsAbout(service(), tokens.user.id)).filter(({ type }) => type === 'user.restored'),
    ).toEqual([{ type: 'user.restored', actor: office.tokens.user.id, data: { reason: 'a mistake' } }])
    expectProblem(await office.client.me(tokens.access_token), 'invalid_token')
    expectProblem(await office.client.refresh(tokens.refresh_token), 'invalid_grant')
    expect((await office.client.login(email)).status).toBe(401)
    await office.client.call('/v1/password/forgot', { json: { email } })
    const { token } = await office.client.mailed('reset_password', tokens)
    await office.client.call('/v1/password/reset', { json: { token, password: 'another battery staple' } })
    expect((await office.client.login(email, 'another battery staple')).body.user).toMatchObject({
      id: tokens.user.id,
    })
  })

  test('an address is no more verified than it was, and the link that was mailed is void', async () => {
    const office = await newOffice(service())
    const { tokens } = await office.client.signUp()
    await service().sql('update users set email_verified_at = null where id = $1', [tokens.user.id])
    await office.act('close', tokens.user.id)
    const { token } = await office.client.mailed('restore_account', tokens)
    await office.act('restore', tokens.user.id)
    expect((await office.read(`/v1/admin/users/${tokens.user.id}`)).body).toMatchObject({
      status: 'active',
      email_verified: false,
    })
    expectProblem(await office.client.call('/v1/me/restore', { json: { token } }), 'invalid_one_time_token')
  })

  test('one that is open stays as it is', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant()
    expect((await office.act('restore', id)).status).toBe(204)
    expect(await eventsAbout(service(), id)).toEqual([])
  })
})

describe('refuses', () => {
  test('an account whose address another one has by now; both stay as they are', async () => {
    const office = await newOffice(service())
    const { id, email } = await office.plant({ status: 'closed' })
    await office.plant({ email })
    expectProblem(await office.act('restore', id), 'email_taken')
    expect((await office.read(`/v1/admin/users/${id}`)).body).toMatchObject({ status: 'closed' })
  })

  test('an account that is erased, or is being erased', async () => {
    const office = await newOffice(service())
    const [erased, clearing] = [
      await office.plant({ status: 'closed' }),
      await office.plant({ status: 'closed' }),
    ]
    await service().sql('update users set erased_at = now(), email = null where id = $1', [erased.id])
    await service().sql('update users set email = null where id = $1', [clearing.id])
    for (const { id } of [erased, clearing]) expectProblem(await office.act('restore', id), 'not_found')
  })

  test('K05: an account of another tenant, which stays closed', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const { id } = await theirs.plant({ status: 'closed' })
    expectProblem(await mine.act('restore', id), 'not_found')
    expect((await theirs.read(`/v1/admin/users/${id}`)).body).toMatchObject({ status: 'closed' })
  })
})
