/** How many sessions an account may have, no matter who begins them and how; and that a pile costs no one time. */
import { describe, expect, test } from 'vitest'
import { endOldSessions, findEndingAccount, finishEnding } from '../../src/sessions/end-sessions-store.ts'
import { newClient, race } from '../support/client.ts'
import { planOf, scannedWhole } from '../support/explain.ts'
import { countRows, pileUpSessions } from '../support/piles.ts'
import { expectProblem } from '../support/problem.ts'
import { recordedOf } from '../support/recorded.ts'
import { redeem } from '../support/redemptions.ts'
import { useLentService } from '../support/service.ts'
import { sessionRow } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const BURST = { timeout: 120_000 }
const PILE = 20_000
/** How many end at most with one that begins. */
const ENDED_AT_ONCE = 10

const limitedTo = (max_sessions: number) => newClient(service(), { settings: { max_sessions } })

describe('accounts 6: the limit of sessions of an account', () => {
  test('the oldest ends when one more begins, and an event says so', async () => {
    const client = await limitedTo(2)
    const { email, tokens: first } = await client.signUp()
    const second = await client.signIn(email)
    expect(await countRows(service(), first.user.id)).toMatchObject({ ended: 0, open: 2 })
    const third = await client.signIn(email)
    expectProblem(await client.me(first.access_token), 'invalid_token')
    expectProblem(await client.refresh(first.refresh_token), 'invalid_grant')
    expect(await sessionRow(service(), first.session.id)).toMatchObject({ revoke_reason: 'displaced' })
    for (const { refresh_token } of [second, third])
      expect((await client.refresh(refresh_token)).status).toBe(200)
    expect(await recordedOf(service(), first.user.id, 'session.displaced')).toEqual([
      { actor: first.user.id, data: { session_ids: [first.session.id], by_session: third.session.id } },
    ])
  })

  test('holds at the other door too: a sign-in by mail', async () => {
    const client = await limitedTo(1)
    const { tokens } = await client.signUp()
    await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    const { status } = await redeem(client, 'sign_in', await client.plant('sign_in', tokens))
    expect(status).toBe(200)
    expect(await sessionRow(service(), tokens.session.id)).toMatchObject({ revoke_reason: 'displaced' })
  })

  test('counts those that live: what expired makes no one leave', async () => {
    const client = await limitedTo(2)
    const { email, tokens: oldest } = await client.signUp()
    const idle = await client.signIn(email)
    await service().sql('update sessions set idle_expires_at = now() where id = $1', [idle.session.id])
    await client.signIn(email)
    expect((await client.me(oldest.access_token)).status).toBe(200)
  })

  test('is 100 unless the tenant says otherwise', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    await pileUpSessions(service(), tokens, 98)
    await client.signIn(email)
    expect(await countRows(service(), tokens.user.id)).toMatchObject({ ended: 0, open: 100 })
    await client.signIn(email)
    expect(await countRows(service(), tokens.user.id)).toMatchObject({ ended: 1, open: 100 })
  })

  test('K15: 50 sign-ins at once may go over it, and the next ones bring it down', BURST, async () => {
    const client = await limitedTo(5)
    const { email, tokens } = await client.signUp()
    const answers = await race(50, () => client.login(email))
    expect(answers.map(({ status }) => status).filter((status) => status !== 200)).toEqual([])
    for (let n = 0; n < 6; n++) await client.signIn(email)
    expect((await countRows(service(), tokens.user.id))?.open).toBe(5)
  })
})

describe(`accounts 6: an account with ${PILE} sessions`, () => {
  test('a sign-in ends a few of them, and does no more', BURST, async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    await pileUpSessions(service(), tokens, PILE)
    await client.signIn(email)
    // Those over the limit, and those that are too many to be looked at.
    expect(await countRows(service(), tokens.user.id)).toMatchObject({ ended: 2 * ENDED_AT_ONCE })
  })

  test(
    'the list has the session that was kept and the later ones, while the rows wait to be ended',
    BURST,
    async () => {
      const client = await newClient(service())
      const { email, tokens } = await client.signUp()
      await pileUpSessions(service(), tokens, PILE)
      const bearer = tokens.access_token
      expect((await client.call('/v1/sessions?except=current', { method: 'DELETE', bearer })).status).toBe(
        204,
      )
      const later = await client.signIn(email)
      const idsOf = async (token: string) =>
        (await client.listSessions(token)).body.data.map(({ id }) => id).toSorted()
      expect(await idsOf(bearer)).toContain(tokens.session.id)
      expect((await idsOf(bearer)).length).toBeLessThanOrEqual(2)
      expect(await idsOf(later.access_token)).toContain(later.session.id)
      expect((await countRows(service(), tokens.user.id))?.open).toBeGreaterThan(PILE / 2)
    },
  )

  test('a device is compared with the newest 500 alone', BURST, async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    const isNews = async () => {
      const { session } = await client.signIn(email)
      const started = await recordedOf(service(), tokens.user.id, 'session.started')
      return started.find(({ data }) => data.session_id === session.id)?.data.new_device
    }
    expect(await isNews()).toBe(false)
    await pileUpSessions(service(), tokens, 499)
    await service().sql(`update sessions set country = 'XX' where id::text like 'f%' and user_id = $1`, [
      tokens.user.id,
    ])
    expect(await isNews(), 'one of the newest 500 is of this device').toBe(false)
    await pileUpSessions(service(), { session: { id: await newestOf(tokens.user.id) } } as never, 600)
    expect(await isNews()).toBe(true)
  })

  test('what ends them in the background reads no table whole', BURST, async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    await pileUpSessions(service(), tokens, PILE)
    await service().sql('analyze users')
    const account = { id: tokens.user.id, validFrom: 'now' }
    const page = { after: tokens.session.id, limit: 1000 }
    for (const query of [
      (db: never) => findEndingAccount({ db }, null),
      (db: never) => endOldSessions({ db }, account, page),
      (db: never) => finishEnding({ db }, account),
    ])
      expect(scannedWhole(await planOf(service(), query as Parameters<typeof planOf>[1]))).not.toContain(
        'sessions',
      )
  })
})

async function newestOf(userId: string): Promise<string> {
  const [row] = await service().sql<{ id: string }>(
    'select id from sessions where user_id = $1 order by id desc limit 1',
    [userId],
  )
  return row?.id ?? ''
}
