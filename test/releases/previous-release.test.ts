/**
 * A release is rolled out while people sign in: for some minutes the one before it runs on the new schema, beside the new
 * one, and a person's requests reach either.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyChains } from '../../ops/audit.ts'
import { type Client, createClient, newClient, newEmail, PASSWORD, race } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { buildPreviousRelease } from '../support/previous-release.ts'
import { FULL_COST, type Service, startService } from '../support/service.ts'

let folder: string
let services: { previous: Service; present: Service }

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'latchkey-previous-'))
  await buildPreviousRelease(folder)
  const present = await startService()
  services = {
    present,
    previous: await startService({ beside: present, bundles: folder, bindings: FULL_COST }),
  }
}, 180_000)

afterAll(async () => {
  await services?.previous.stop()
  await services?.present.stop()
  await rm(folder, { recursive: true, force: true })
})

type Release = keyof typeof services

/** The same person at the same tenant, by way of each release. */
async function newPerson(): Promise<Record<Release, Client>> {
  const present = await newClient(services.present)
  return { present, previous: createClient(services.previous, present.tenant) }
}

describe('the previous release on the present schema', () => {
  test('registers, signs in, refreshes and signs out', async () => {
    const { previous } = await newPerson()
    const email = newEmail()
    expect((await previous.register(email)).status).toBe(201)
    const signedIn = await previous.login(email)
    expect(signedIn.status).toBe(200)
    const refreshed = await previous.refresh(signedIn.body.refresh_token)
    expect(refreshed.status).toBe(200)
    expect((await previous.me(refreshed.body.access_token)).status).toBe(200)
    expect((await previous.logout(refreshed.body.refresh_token)).status).toBe(204)
    expectProblem(await previous.refresh(refreshed.body.refresh_token), 'invalid_grant')
  })
})

describe.each<[Release, Release]>([
  ['previous', 'present'],
  ['present', 'previous'],
])('what the %s release began', (first, second) => {
  test(`goes on at the ${second} one`, async () => {
    const person = await newPerson()
    const email = newEmail()
    expect((await person[first].register(email)).status).toBe(201)
    const signedIn = await person[second].login(email)
    expect(signedIn.status).toBe(200)
    const refreshed = await person[first].refresh(signedIn.body.refresh_token)
    expect(refreshed.status).toBe(200)
    const again = await person[second].refresh(refreshed.body.refresh_token)
    expect(again.status).toBe(200)
    expect((await person[first].me(again.body.access_token)).status).toBe(200)
    expect((await person[second].logout(again.body.refresh_token)).status).toBe(204)
    expectProblem(await person[first].me(again.body.access_token), 'invalid_token')
  })

  test(`ends at the ${second} one: sessions that were revoked, and a password that was changed`, async () => {
    const person = await newPerson()
    const { email, tokens } = await person[first].signUp()
    const other = await person[first].login(email)
    const bearer = tokens.access_token
    const change = { current_password: PASSWORD, new_password: 'another horse battery' }
    const changed = await person[second].call('/v1/password/change', { json: change, bearer })
    expect(changed.status).toBeLessThan(300)
    expectProblem(await person[first].refresh(other.body.refresh_token), 'invalid_grant')
    expectProblem(await person[first].me(other.body.access_token), 'invalid_token')
    expectProblem(await person[first].login(email, PASSWORD), 'invalid_credentials')
    const renewed = await person[first].login(email, change.new_password)
    expect(renewed.status).toBe(200)
    const everywhere = await person[first].call('/v1/sessions', {
      method: 'DELETE',
      bearer: renewed.body.access_token,
    })
    expect(everywhere.status).toBe(204)
    expectProblem(await person[second].refresh(renewed.body.refresh_token), 'invalid_grant')
  })
})

test('piles 13: the consumers of both releases extend one chain of the audit log', async () => {
  const { present } = await newPerson()
  const { tokens } = await present.signUp()
  const ids = await services.present.sql<{ id: string }>(
    `insert into events (id, tenant_id, type, subject, data, client)
     select gen_random_uuid(), tenant_id, 'session.ended', user_id, jsonb_build_object('session_id', id), '{"country":"NL"}'
     from sessions, generate_series(1, 200) where id = $1 returning events.id`,
    [tokens.session.id],
  )
  let waiting = Array.from({ length: 20 }, (_, index) =>
    ids.slice(index * 10, index * 10 + 10).map(({ id }) => ({ recorded: [id] })),
  )
  // The previous release has a batch retried when others were first at each of its turns.
  for (let again = 0; waiting.length > 0 && again < 10; again++) {
    const outcomes = await race(waiting.length, (index) =>
      services[(index + again) % 2 === 0 ? 'present' : 'previous'].queue(
        'latchkey-events',
        waiting[index] ?? [],
      ),
    )
    waiting = waiting.filter((_, index) => outcomes[index]?.explicitAcks.length === 0)
  }
  const written = await services.present.sql(
    `select count(*)::int as rows, count(distinct id)::int as ids from audit_events where tenant_id = $1 and type = 'session.ended'`,
    [present.tenant.id],
  )
  expect(written).toEqual([{ rows: 200, ids: 200 }])
  const [chain] = await verifyChains(services.present.operator, present.tenant.id)
  expect(chain?.problems).toEqual([])
})
