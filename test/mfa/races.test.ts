/** A factor that is added, removed or shown while others sign in: in either order, no session has skipped it (issue 15). */
import { describe, expect, test } from 'vitest'
import { challenge, codeAt, enrol, verifyMfa } from '../support/authenticator.ts'
import { countBy, newClient, race, type Tokens } from '../support/client.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const BURST = { timeout: 120_000 }

async function newEnrolled() {
  const client = await newClient(service())
  return { client, ...(await enrol(service(), client, await client.newAccount())) }
}

/** Sessions that are live, began without the second factor, and began while there was one. */
const skipped = (userId: string, except: string) =>
  service().sql(
    `select sessions.id from sessions join users on users.id = user_id
     where user_id = $1 and sessions.id <> $2 and aal = 1 and revoked_at is null
       and sessions.created_at < coalesce(access_valid_from, 'infinity')
       and greatest(sessions.created_at, kept_at) >= coalesce(access_valid_from, '-infinity')`,
    [userId, except],
  )

describe('factors 8: removing a factor against signing in', () => {
  test(
    '50 sign-ins while it is removed: each is asked for it, or began after it was gone',
    BURST,
    async () => {
      const { client, email, tokens } = await newEnrolled()
      const removing = client.call('/v1/mfa/totp', { method: 'DELETE', bearer: tokens.access_token })
      const answers = await race(50, () => client.login(email))
      expect((await removing).status).toBe(204)
      const [removed] = await service().sql<{ at: Date }>(
        'select access_valid_from as at from users where id = $1',
        [tokens.user.id],
      )
      const begun = await service().sql<{ id: string; created_at: Date }>(
        'select id, created_at from sessions where user_id = $1 and id <> $2',
        [tokens.user.id, tokens.session.id],
      )
      const started = answers.flatMap(({ body }) => ('access_token' in body ? [body.session.id] : []))
      expect(begun.map(({ id }) => id).sort()).toEqual(started.sort())
      for (const { created_at } of begun)
        expect(created_at.getTime()).toBeGreaterThanOrEqual(removed?.at.getTime() ?? Number.NaN)
      expect(await skipped(tokens.user.id, tokens.session.id)).toEqual([])
    },
  )

  test('a sign-in that waits while the factor is removed begins after it', async () => {
    const { client, email, tokens } = await newEnrolled()
    const holder = await service().connect()
    try {
      await holder.query('begin')
      await holder.query(
        'update users set second_factor_since = null, access_valid_from = clock_timestamp() where id = $1',
        [tokens.user.id],
      )
      const signingIn = client.login(email)
      const waiting = `select 1 from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'`
      await expect.poll(() => service().sql(waiting, [service().database])).not.toEqual([])
      await holder.query('commit')
      expect((await signingIn).body).toHaveProperty('access_token')
      expect(await skipped(tokens.user.id, tokens.session.id)).toEqual([])
    } finally {
      await holder.end()
    }
  })

  test(
    'of second steps that are passed while it is removed, none leaves a live session of before',
    BURST,
    async () => {
      const { client, email, tokens, recoveryCodes } = await newEnrolled()
      const challenges = await Promise.all(recoveryCodes.map(() => challenge(client, email)))
      const removing = client.call('/v1/mfa/totp', { method: 'DELETE', bearer: tokens.access_token })
      await Promise.all(
        recoveryCodes.map((code, at) =>
          verifyMfa(client, challenges[at] ?? { mfa_token: '' }, code, 'recovery_code'),
        ),
      )
      expect((await removing).status).toBe(204)
      const live = await service().sql<{ id: string }>(
        `select sessions.id from sessions join users on users.id = user_id
       where user_id = $1 and revoked_at is null and greatest(sessions.created_at, kept_at) >= access_valid_from`,
        [tokens.user.id],
      )
      expect(live).toEqual([{ id: tokens.session.id }])
    },
  )
})

describe('50 uses at once', () => {
  test('of one recovery code, at sign-ins, at step-up of two sessions: one succeeds', BURST, async () => {
    const { client, email, secret, recoveryCodes } = await newEnrolled()
    const sessions: Tokens[] = []
    for (const code of [codeAt(secret), codeAt(secret, 1)])
      sessions.push((await verifyMfa(client, await challenge(client, email), code)).body)
    const [code = ''] = recoveryCodes
    const challenges = await Promise.all(Array.from({ length: 20 }, () => challenge(client, email)))
    const answers = await race(50, (index) =>
      index < 20
        ? verifyMfa(client, challenges[index] ?? { mfa_token: '' }, code, 'recovery_code')
        : client.call<Tokens>('/v1/mfa/step-up', {
            bearer: sessions[index % 2]?.access_token ?? '',
            json: { method: 'recovery_code', code },
          }),
    )
    expect(countBy(answers, ({ status }) => status)[200]).toBe(1)
    const used = await service().sql(
      `select 1 from recovery_codes where used_at is not null and user_id in (select user_id from sessions where id = $1)`,
      [sessions[0]?.session.id],
    )
    expect(used).toHaveLength(1)
  })

  test('of one `mfa_token`, with the app and ten recovery codes: one session', BURST, async () => {
    const { client, email, tokens, secret, recoveryCodes } = await newEnrolled()
    const first = await challenge(client, email)
    const answers = await race(50, (index) =>
      index % 5 === 0
        ? verifyMfa(client, first, codeAt(secret))
        : verifyMfa(client, first, recoveryCodes[index % 10] ?? '', 'recovery_code'),
    )
    expect(countBy(answers, ({ status }) => status)[200]).toBe(1)
    const begun = await service().sql('select 1 from sessions where user_id = $1', [tokens.user.id])
    expect(begun, 'that of the registration, and one').toHaveLength(2)
  })

  test('of one token that can only add a factor: one app, one session', BURST, async () => {
    const client = await newClient(service(), { settings: { second_factor: 'required' } })
    const { body: first } = await client.call<{ mfa_token: string }>('/v1/register', {
      json: { email: 'ada@example.com', password: 'correct horse battery' },
    })
    await service().sql('update users set email_verified_at = now() where tenant_id = $1', [client.tenant.id])
    const { mfa_token } = first
    const { body } = await client.call<{ factor_id: string; secret: string }>('/v1/mfa/enrol', {
      json: { mfa_token },
    })
    const json = { mfa_token, factor_id: body.factor_id, code: codeAt(body.secret) }
    const answers = await race(50, () => client.call('/v1/mfa/enrol/confirm', { json }))
    expect(countBy(answers, ({ status }) => status)[200]).toBe(1)
    const begun = await service().sql('select aal from sessions where tenant_id = $1', [client.tenant.id])
    expect(begun).toEqual([{ aal: 2 }])
  })
})
