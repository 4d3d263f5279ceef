/** An address that is verified on the word of an administrator: what was planted before goes, unless they know better. */
import { describe, expect, test } from 'vitest'
import { eventsAbout, newOffice, type Office } from '../support/administration.ts'
import { newEmail, PASSWORD } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'verifyUserEmail')

const VERIFY_FIRST = { settings: { registration: 'verify-first' } }

/** Who has registered, and waits for a mail that does not come. */
async function newWaiting({ client }: Office) {
  const email = newEmail()
  await client.register(email)
  const [row] = await service().sql<{ id: string }>(
    'select id from users where tenant_id = $1 and email = $2',
    [client.tenant.id, email],
  )
  return { id: row?.id ?? '', email }
}

/** An administrator of a tenant in which registering does not sign in. */
async function newStrictOffice() {
  const office = await newOffice(service())
  await service().sql('update tenants set settings = settings || $2 where id = $1', [
    office.client.tenant.id,
    JSON.stringify(VERIFY_FIRST.settings),
  ])
  return office
}

describe('accepts', () => {
  test('admin 3: what opened the account before is removed, and the event says who vouched', async () => {
    const office = await newStrictOffice()
    const { id, email } = await newWaiting(office)
    const answer = await office.act('verify-email', id, { reason: 'seen in person' })
    expect(answer).toMatchObject({ status: 204, trips: { postgres: 1, redis: 1 } })
    expect((await office.read(`/v1/admin/users/${id}`)).body).toMatchObject({ email_verified: true })
    expect((await office.client.login(email, PASSWORD)).status).toBe(401)
    expect((await eventsAbout(service(), id)).filter(({ type }) => type === 'email.verified')).toEqual([
      {
        type: 'email.verified',
        actor: office.tokens.user.id,
        data: { by: 'administrator', password: 'removed', session_ids: [], reason: 'seen in person' },
      },
    ])
  })

  test('admin 3: with `keep` the person signs in with the password that they registered with', async () => {
    const office = await newStrictOffice()
    const { id, email } = await newWaiting(office)
    expect((await office.client.login(email, PASSWORD)).status).not.toBe(200)
    await office.act('verify-email', id, { credentials: 'keep' })
    expect((await office.client.login(email, PASSWORD)).status).toBe(200)
  })

  test('one that is verified already stays as it is, with its password', async () => {
    const office = await newOffice(service())
    const { email, tokens } = await office.client.newAccount()
    await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    expect((await office.act('verify-email', tokens.user.id)).status).toBe(204)
    expect((await office.client.login(email)).status).toBe(200)
    expect((await office.client.me(tokens.access_token)).status).toBe(200)
  })
})

describe('refuses', () => {
  test('a closed account, and what is no choice', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant({ status: 'closed', isProved: false })
    expectProblem(await office.act('verify-email', id), 'account_closed')
    expectInvalidInput(await office.act('verify-email', id, { credentials: 'all' }), {
      '/credentials': 'not_allowed',
    })
  })

  test('K05: an account of another tenant, which stays unverified', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const { id } = await theirs.plant({ isProved: false })
    expectProblem(await mine.act('verify-email', id, { credentials: 'keep' }), 'not_found')
    expect((await theirs.read(`/v1/admin/users/${id}`)).body).toMatchObject({ email_verified: false })
  })
})
