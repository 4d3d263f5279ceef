/**
 * What had begun before an account was secured, and ends after it: the statement that secures it waits for the account's
 * row and looks again, so that it finds what a sign-in or a request for a change of address has left meanwhile.
 */
import { describe, expect, test } from 'vitest'
import { whileHeld } from '../support/attempts.ts'
import { newClient, newEmail, PASSWORD } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'
import { liveSessions, NEW_PASSWORD, PURPOSE_NAMES, REDEMPTIONS, redeem } from '../support/redemptions.ts'
import { useLentService } from '../support/service.ts'
import { untilWaiting } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const BURST = { timeout: 120_000 }

async function newAccount() {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  return { client, email, tokens }
}

type Caller = Awaited<ReturnType<typeof newAccount>>

/** What ends every other session of the account, or all of them: prepared, and then done. */
type Securing = {
  title: string
  prepare(caller: Caller): Promise<() => Promise<{ status: number }>>
  /** Sessions that are there afterwards. */
  leaves: number
}

const SECURING: Securing[] = [
  {
    title: 'a change of the password',
    prepare: async ({ client, tokens: { access_token: bearer } }) => {
      const json = { current_password: PASSWORD, new_password: NEW_PASSWORD }
      return () => client.call('/v1/password/change', { bearer, json })
    },
    leaves: 1,
  },
  {
    title: 'closing the account',
    prepare:
      async ({ client, tokens: { access_token: bearer } }) =>
      () =>
        client.call('/v1/me', { method: 'DELETE', bearer }),
    leaves: 0,
  },
  ...PURPOSE_NAMES.filter(
    (purpose) => REDEMPTIONS[purpose].endsAccess && REDEMPTIONS[purpose].account === 'open',
  ).map((purpose) => ({
    title: `a token for ${purpose}`,
    prepare: async ({ client, tokens }: Caller) => {
      const mailed = await client.plant(purpose, tokens)
      return () => redeem(client, purpose, mailed)
    },
    leaves: purpose === 'sign_in' ? 1 : 0,
  })),
]

describe('a sign-in with the old password that has found it right, and has yet to be over,', () => {
  // It waits for the row of its tenant, which the session refers to, when it has locked everything and inserted.
  test.each(SECURING)('leaves no session after $title', BURST, async ({ prepare, leaves }) => {
    const caller = await newAccount()
    const { client, email, tokens } = caller
    const secure = await prepare(caller)
    const text = 'select id from tenants where id = $1 for update'
    const held = { text, values: [client.tenant.id], waiting: 2 }
    const [signedIn, secured] = await whileHeld(service(), held, async () => {
      const signingIn = client.login(email)
      await untilWaiting(service(), 1)
      return Promise.all([signingIn, secure()])
    })
    expect(signedIn.status).toBe(200)
    expect(secured.status).toBeLessThan(300)
    expectProblem(await client.me(signedIn.body.access_token), 'invalid_token')
    expectProblem(await client.refresh(signedIn.body.refresh_token), 'invalid_grant')
    const live = await liveSessions(service(), tokens.user.id)
    expect(live).toHaveLength(leaves)
    expect(live).not.toContain(signedIn.body.session.id)
  })
})

test(
  'a change of address that a thief asked for a moment before leaves no token after a reset',
  BURST,
  async () => {
    const { client, tokens } = await newAccount()
    const reset = await client.plant('reset_password', tokens)
    // The request waits for the transaction that is making the same row; that is undone, so that it makes its own.
    const text = `
    insert into one_time_tokens (id, tenant_id, user_id, purpose, holder, hash, key_id, expires_at)
    values (gen_random_uuid(), $1, $2::uuid, 'change_email_old', $2::uuid::text, sha256('x'), 'k1', now())`
    const values = [client.tenant.id, tokens.user.id]
    const [asked, redeemed] = await whileHeld(service(), { text, values, waiting: 2 }, async () => {
      const asking = client.call('/v1/email/change', {
        bearer: tokens.access_token,
        json: { email: newEmail() },
      })
      await untilWaiting(service(), 1)
      return Promise.all([asking, redeem(client, 'reset_password', reset)])
    })
    expect(asked.status).toBe(202)
    expect(redeemed.status).toBe(204)
    const left = await service().sql('select purpose from one_time_tokens where user_id = $1', [
      tokens.user.id,
    ])
    expect(left).toEqual([{ purpose: 'reset_password' }])
  },
)
