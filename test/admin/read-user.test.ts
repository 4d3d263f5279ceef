import { describe, expect, test } from 'vitest'
import { newOffice } from '../support/administration.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'readUser')

describe('accepts', () => {
  test('admin 3: an account with its sessions, in one trip', async () => {
    const office = await newOffice(service())
    const { email, tokens } = await office.client.newAccount()
    await office.client.signIn(email)
    const answer = await office.read(`/v1/admin/users/${tokens.user.id}`)
    expect(answer).toMatchObject({ status: 200, trips: { postgres: 1, redis: 1 } })
    expect(answer.body).toMatchObject({ id: tokens.user.id, email, status: 'active', live_sessions: 2 })
    const said = JSON.stringify(answer.body)
    for (const secret of ['argon2', 'lkr_', 'hash', 'key_id']) expect(said).not.toContain(secret)
  })

  test.each(['disabled', 'closed'] as const)('one that is %s', async (status) => {
    const office = await newOffice(service())
    const { id } = await office.plant({ status })
    expect((await office.read(`/v1/admin/users/${id}`)).body).toMatchObject({ id, status, live_sessions: 0 })
  })

  test('of an erased account its id alone', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant({ status: 'closed' })
    await service().sql('update users set erased_at = now(), email = null where id = $1', [id])
    expect((await office.read(`/v1/admin/users/${id}`)).body).toMatchObject({
      id,
      status: 'erased',
      email: null,
    })
  })
})

describe('attacks', () => {
  test.each(['an id of another tenant', 'an id that no account has', 'what is no id'])(
    'K05: %s is not found',
    async (which) => {
      const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
      const id = {
        'an id of another tenant': (await theirs.plant()).id,
        'an id that no account has': crypto.randomUUID(),
      }[which]
      expectProblem(await mine.read(`/v1/admin/users/${id ?? 'admin'}`), 'not_found')
    },
  )
})
