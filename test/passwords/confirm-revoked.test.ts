/** A session that ends while its owner confirms the password: the end counts. */
import { expect, test } from 'vitest'
import { newClient, PASSWORD, race } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'
import { useLentService } from '../support/service.ts'
import { sessionRow, untilWaiting } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

test('accounts 10: a confirmation does not renew a session that is being revoked', async () => {
  const client = await newClient(service())
  const { tokens } = await client.signUp()
  const before = await authTime(tokens.session.id)
  const revoker = await service().connect()
  try {
    await revoker.query('begin')
    await revoker.query(
      `update sessions set revoked_at = clock_timestamp(), revoke_reason = 'revoked' where id = $1`,
      [tokens.session.id],
    )
    const confirming = client.call('/v1/password/confirm', {
      bearer: tokens.access_token,
      json: { password: PASSWORD },
    })
    await untilWaiting(service(), 1)
    await revoker.query('commit')
    expectProblem(await confirming, 'invalid_token')
  } finally {
    await revoker.end()
  }
  expect(await authTime(tokens.session.id)).toBe(before)
  expect(await sessionRow(service(), tokens.session.id)).toMatchObject({ revoke_reason: 'revoked' })
})

test('accounts 10: of 50 confirmations and one sign-out at once none is renewed afterwards', async () => {
  const client = await newClient(service())
  const { tokens } = await client.signUp()
  const { access_token: bearer, session } = tokens
  await race(50, (n) =>
    n === 25
      ? client.logout(tokens.refresh_token)
      : client.call('/v1/password/confirm', { bearer, json: { password: PASSWORD } }),
  )
  const [row] = await service().sql<{ renewed_late: boolean }>(
    'select auth_time > revoked_at as renewed_late from sessions where id = $1',
    [session.id],
  )
  expect(row).toEqual({ renewed_late: false })
})

async function authTime(id: string): Promise<string | undefined> {
  const [row] = await service().sql<{ at: string }>(
    'select auth_time::text as at from sessions where id = $1',
    [id],
  )
  return row?.at
}
