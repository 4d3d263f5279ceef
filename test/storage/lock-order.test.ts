/**
 * Statements that want the same rows lock them in one order: accounts, then sessions, then failures and the rest, and of
 * several rows the lowest key first. Each test brings two to the point where, in another order, each would hold what the
 * other wants. A deadlock would be repeated and so be hidden: what tells is that nothing took a trip more.
 */
import { describe, expect, test } from 'vitest'
import type { CanonicalEmail } from '../../src/accounts/accounts.ts'
import { insertImports } from '../../src/admin/import-store.ts'
import { clearDueAccounts } from '../../src/me/erasure-store.ts'
import { attemptsAt, setFailures, untilSoManyWait, whileHeld } from '../support/attempts.ts'
import { countBy, newClient, race, type Tokens } from '../support/client.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const BURST = { timeout: 180_000 }
const MANY = 50

const statusOf = ({ status }: { status: number }) => status
const tripsOf = ({ trips }: { trips: { postgres: number } }) => trips.postgres

test(`accounts 15: a reset and a sign-in of each of ${MANY} accounts lock in one order`, BURST, async () => {
  const client = await newClient(service())
  const accounts = await race(MANY, async () => {
    const { email, tokens } = await client.newAccount()
    await setFailures(service(), { tenant: client.tenant, email }, 1)
    const { token } = await client.plant('reset_password', tokens)
    return { email, tokens, token }
  })
  const ids = accounts.map(({ tokens }) => tokens.user.id)
  const held = {
    text: 'select id from users where id = any($1) for update',
    values: [ids],
    waiting: 2 * MANY,
  }
  // The resets are first in the queue for their accounts; the sign-ins come to wait with whatever they lock before those.
  const [resets, signIns] = await whileHeld(service(), held, async () => {
    const resetting = race(MANY, (n) =>
      client.call('/v1/password/reset', {
        json: { token: accounts[n]?.token, password: 'another battery staple' },
      }),
    )
    await untilSoManyWait(service(), MANY, () => false)
    const signingIn = race(MANY, (n) => client.login(accounts[n]?.email ?? ''))
    return Promise.all([resetting, signingIn])
  })
  expect(countBy(resets, statusOf)).toEqual({ 204: MANY })
  expect(countBy(signIns, statusOf)).toEqual({ 401: MANY })
  expect(countBy([...resets, ...signIns], tripsOf), 'no statement was repeated').toEqual({ 2: 2 * MANY })
})

test(
  `accounts 15: an import and an erasure of the same ${MANY} addresses lock in one order`,
  BURST,
  async () => {
    const client = await newClient(service(), { settings: { erasure_days: 0 } })
    const accounts = (await race(MANY, () => client.newAccount())).toSorted((one, other) =>
      one.email < other.email ? -1 : 1,
    )
    const { tenant } = client
    // The one that comes first in an import was closed last, and is the last that is erased.
    for (const [n, { email, tokens }] of accounts.entries()) {
      await setFailures(service(), { tenant, email }, 1)
      await service().sql(
        `update users set deleted_at = now() - interval '1 day' - make_interval(secs => $2) where id = $1`,
        [tokens.user.id, n],
      )
    }
    const held = {
      text: 'select subject from sign_in_failures where tenant_id = $1 for update',
      values: [tenant.id],
      waiting: 2,
    }
    const before = service().trips().postgres
    const [made, erased] = await whileHeld(service(), held, () => {
      const { operator } = service()
      const imports = accounts.map(({ email }) => newImport(email))
      return Promise.all([
        insertImports(operator, tenant.id, imports),
        clearDueAccounts(operator, { after: null, limit: MANY }),
      ])
    })
    expect({ made: made.created.size, erased: erased.length }).toEqual({ made: MANY, erased: MANY })
    expect(service().trips().postgres - before, 'neither was repeated').toBe(2)
    for (const { email } of accounts) expect(await attemptsAt(service(), { tenant, email })).toBeNull()
  },
)

const newImport = (email: string) => ({
  id: crypto.randomUUID(),
  eventId: crypto.randomUUID(),
  email: email as CanonicalEmail, // made by newEmail, in this form
  emailVerified: false,
  disabled: false,
  name: null,
  locale: null,
  roles: [],
  externalId: null,
  apiKeys: [],
  storedHash: null,
  totpSecret: null,
  passkeys: [],
  identities: [],
})

describe('accounts 15: everything that ends sessions, at once', () => {
  test(`${MANY} callers of one account wait for each other and never in a circle`, BURST, async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    const own: Tokens[] = []
    for (let n = 0; n < MANY; n++) own.push(await client.signIn(email))
    await setFailures(service(), { tenant: client.tenant, email }, 1)
    const { token } = await client.plant('reset_password', tokens)
    const bearer = (n: number) => own[n]?.access_token ?? ''
    const acts = [
      (n: number) => client.call('/v1/sessions?except=current', { method: 'DELETE', bearer: bearer(n) }),
      (n: number) => client.call('/v1/password/confirm', { bearer: bearer(n), json: { password: 'wrong' } }),
      (n: number) =>
        client.call(`/v1/sessions/${own[MANY - 1 - n]?.session.id}`, { method: 'DELETE', bearer: bearer(n) }),
      (n: number) => client.refresh(own[n]?.refresh_token ?? ''),
      () => client.login(email),
      () => client.call('/v1/password/reset', { json: { token, password: 'another battery staple' } }),
    ]
    const answers = await race(MANY, async (n) => {
      const answer = await acts[n % acts.length]?.(n)
      if (!answer) throw new Error('no answer')
      return answer
    })
    // Each is done, or finds its session ended.
    const known = [200, 204, 400, 401, 404, 429]
    expect(answers.map(statusOf).filter((status) => !known.includes(status))).toEqual([])
    expect(Math.max(...answers.map(tripsOf)), 'no statement was repeated').toBeLessThanOrEqual(2)
  })
})
