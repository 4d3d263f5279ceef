import { describe, expect, test } from 'vitest'
import { eventsAbout, newOffice } from '../support/administration.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'endUserSessions')

describe('accepts', () => {
  test('admin 3: every session of the account is dead, its password and its mailed links go on', async () => {
    const office = await newOffice(service())
    const { email, tokens } = await office.client.newAccount()
    const other = await office.client.signIn(email)
    const { token } = await office.client.plant('reset_password', tokens)
    const answer = await office.act('end-sessions', tokens.user.id, { reason: 'a lost laptop' })
    expect(answer).toMatchObject({ status: 204, trips: { postgres: 1, redis: 1 } })
    for (const { access_token, refresh_token } of [tokens, other]) {
      expectProblem(await office.client.me(access_token), 'invalid_token')
      expectProblem(await office.client.refresh(refresh_token), 'invalid_grant')
    }
    const [signedOut] = (await eventsAbout(service(), tokens.user.id)).filter(
      ({ type }) => type === 'user.signed_out',
    )
    expect(signedOut).toEqual({
      type: 'user.signed_out',
      actor: office.tokens.user.id,
      data: { session_ids: [other.session.id, tokens.session.id], reason: 'a lost laptop' },
    })
    expect((await office.client.login(email)).status).toBe(200)
    const reset = { json: { token, password: 'another battery staple' } }
    expect((await office.client.call('/v1/password/reset', reset)).status).toBe(204)
  })

  test("an administrator's own", async () => {
    const office = await newOffice(service())
    expect((await office.act('end-sessions', office.tokens.user.id)).status).toBe(204)
    expectProblem(await office.client.me(office.tokens.access_token), 'invalid_token')
  })
})

describe('refuses', () => {
  test('K05: an account of another tenant, whose sessions live on', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const { tokens } = await theirs.client.newAccount()
    expectProblem(await mine.act('end-sessions', tokens.user.id), 'not_found')
    expect((await theirs.client.me(tokens.access_token)).status).toBe(200)
  })
})
