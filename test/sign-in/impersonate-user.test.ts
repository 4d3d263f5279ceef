/** An administrator who acts as another person: who may, for how long, what it cannot do, and who is told. */
import { describe, expect, test } from 'vitest'
import { EVERY_OPERATION } from '../operations.ts'
import { colleagueOf, eventsAbout, newOffice, type Office } from '../support/administration.ts'
import { claimsOf } from '../support/claims.ts'
import type { Tokens } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'impersonateUser')

const impersonate = ({ client, tokens }: Office, userId: string, rest: object = { reason: 'ticket 7' }) =>
  client.call<Tokens>('/v1/impersonations', {
    bearer: tokens.access_token,
    json: { user_id: userId, ...rest },
  })

/** A tenant that allows it, its administrator, and a person with a session of their own. */
async function newScene() {
  const office = await newOffice(service())
  await office.client.allowingImpersonation()
  const person = await office.client.newAccount()
  return { office, person, id: person.tokens.user.id }
}

describe('accepts', () => {
  test('admin 3: a token of the person that names the administrator, lives for minutes and cannot be refreshed', async () => {
    const { office, person, id } = await newScene()
    const answer = await impersonate(office, id)
    expect(answer).toMatchObject({ status: 201, trips: { postgres: 2, redis: 1 } })
    const { access_token, expires_in, session, user } = answer.body
    expect(Object.keys(answer.body).toSorted()).toEqual([
      ...['access_token', 'expires_in', 'session', 'token_type', 'user'],
    ])
    expect(user).toMatchObject({ id, email: person.email })
    expect(claimsOf(access_token)).toMatchObject({
      sub: id,
      sid: session.id,
      act: { sub: office.tokens.user.id },
      amr: [],
    })
    expect(expires_in).toBeLessThanOrEqual(1800)
    expect(Date.parse(session.expires_at)).toBeLessThanOrEqual(Date.now() + 1_800_000)
    expect(await service().sql('select 1 from refresh_tokens where session_id = $1', [session.id])).toEqual(
      [],
    )
    expect((await office.client.me(access_token)).body).toMatchObject({ id })
    expect((await office.client.me(person.tokens.access_token)).status, 'the own session goes on').toBe(200)
  })

  test('is at most 30 minutes where access tokens live longer', async () => {
    const { office, id } = await newScene()
    await service().sql(
      `update tenants set settings = settings || '{"access_token_seconds":3600}' where id = $1`,
      [office.client.tenant.id],
    )
    expect((await impersonate(office, id)).body.expires_in).toBeLessThanOrEqual(1800)
  })

  test('who, why and which session are in the event; the person sees no device of the administrator', async () => {
    const { office, id } = await newScene()
    const { session } = (await impersonate(office, id)).body
    expect((await eventsAbout(service(), id)).at(-1)).toEqual({
      type: 'session.impersonated',
      actor: office.tokens.user.id,
      data: { session_id: session.id, reason: 'ticket 7' },
    })
    const [row] = await service().sql(
      'select address, country, city, asn_org, user_agent, device_label from sessions where id = $1',
      [session.id],
    )
    expect(new Set(Object.values(row ?? {}))).toEqual(new Set([null]))
  })

  test('ends by signing out with it, and with every session of the person', async () => {
    const { office, person, id } = await newScene()
    const first = (await impersonate(office, id)).body
    await office.client.call('/v1/logout', { method: 'POST', bearer: first.access_token })
    expectProblem(await office.client.me(first.access_token), 'invalid_token')
    const second = (await impersonate(office, id)).body
    await office.client.call('/v1/sessions', { method: 'DELETE', bearer: person.tokens.access_token })
    expectProblem(await office.client.me(second.access_token), 'invalid_token')
  })
})

describe('refuses', () => {
  test('a tenant that has not allowed it', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant()
    expectProblem(await impersonate(office, id), 'impersonation_refused')
    expect(await service().sql('select 1 from sessions where user_id = $1', [id])).toEqual([])
  })

  test('K03: to act as another administrator, as oneself, or as a disabled or closed account', async () => {
    const { office } = await newScene()
    const colleague = await colleagueOf(service(), office)
    const [disabled, closed] = [
      await office.plant({ status: 'disabled' }),
      await office.plant({ status: 'closed' }),
    ]
    for (const id of [colleague.tokens.user.id, office.tokens.user.id, disabled.id, closed.id])
      expectProblem(await impersonate(office, id), 'impersonation_refused')
  })

  test.each<[object, Record<string, string>]>([
    [{}, { '/reason': 'missing' }],
    [{ reason: ' ' }, { '/reason': 'too_short' }],
    [{ reason: 'x', seconds: 86_400 }, { '/seconds': 'unknown_field' }],
    [{ reason: 'x', roles: ['admin'] }, { '/roles': 'unknown_field' }],
  ])('%j', async (rest, fields) => {
    const { office, id } = await newScene()
    expectInvalidInput(await impersonate(office, id, rest), fields)
  })
})

describe('attacks', () => {
  test.each(
    EVERY_OPERATION.filter(({ caller }) => caller === 'user' || caller === 'admin').map(
      (operation) => [operation.name, operation] as const,
    ),
  )('%s does nothing for who acts as another person, unless it reads who that is', async (_, operation) => {
    const { office, person, id } = await newScene()
    const { access_token } = (await impersonate(office, id)).body
    const before = await service().sql('select count(*)::int as events from events where subject = $1', [id])
    const answer = await operation.call(office.client, { ...person.tokens, access_token })
    if (operation.id === 'readMe') return expect(answer.status).toBe(200)
    expectProblem(answer, 'impersonated')
    expect(
      await service().sql('select count(*)::int as events from events where subject = $1', [id]),
    ).toEqual(before)
  })

  test('it ends when the administrator is none any more, is disabled, or is signed out everywhere', async () => {
    for (const end of ['revoke', 'disable', 'end-sessions'] as const) {
      const { office, id } = await newScene()
      const colleague = await colleagueOf(service(), office)
      const { access_token } = (await impersonate(colleague, id)).body
      expect((await office.client.me(access_token)).status).toBe(200)
      const { id: actor } = colleague.tokens.user
      if (end === 'revoke') await office.act('roles', actor, { revoke: ['admin'] })
      else await office.act(end, actor)
      expectProblem(await office.client.me(access_token), 'invalid_token')
    }
  })

  /** What else a command or an operation does besides is not what ends it: each of these is the one thing that is said. */
  test.each([
    ['is no administrator any more', `update users set roles = '{}' where id = $1`],
    ['has another role that may impersonate', `update users set roles = '{impersonator}' where id = $1`],
    ['is disabled', `update users set status = 'disabled' where id = $1`],
    ['is closed', 'update users set deleted_at = now() where id = $1'],
    ['was signed out everywhere', 'update users set access_valid_from = clock_timestamp() where id = $1'],
  ])('K14: it ends in the moment in which the administrator %s', async (_, change) => {
    const { office, id } = await newScene()
    await service().sql(
      `update tenants set settings = settings || '{"roles":{"impersonator":["latchkey:users:impersonate"]}}' where id = $1`,
      [office.client.tenant.id],
    )
    const { access_token } = (await impersonate(office, id)).body
    expect((await office.client.me(access_token)).status).toBe(200)
    await service().sql(change, [office.tokens.user.id])
    expectProblem(await office.client.me(access_token), 'invalid_token')
  })

  test('K05: a person of another tenant is not found', async () => {
    const [{ office }, theirs] = [await newScene(), await newScene()]
    expectProblem(await impersonate(office, theirs.id), 'not_found')
    expect((await eventsAbout(service(), theirs.id)).map(({ type }) => type)).not.toContain(
      'session.impersonated',
    )
  })
})
