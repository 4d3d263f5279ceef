import { describe, expect, test } from 'vitest'
import { countBy, newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { createPasskey, unknownCredential } from '../support/passkey-authenticator.ts'
import {
  attemptRegistration,
  attemptSignIn,
  finishRegistration,
  type ListedPasskey,
  newPasskey,
  registrationOptions,
} from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, {
  method: 'POST',
  path: '/v1/passkeys/register/verify',
  allow: 'POST',
  caller: 'bearer',
  json: { credential: unknownCredential('webauthn.create') },
})

async function newOwner() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  return { client, email, tokens }
}

const countPasskeys = async (userId: string) => {
  const rows = await service().sql('select 1 from passkeys where user_id = $1', [userId])
  return rows.length
}

const statusOf = ({ status }: { status: number }) => status

describe('accepts', () => {
  for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const)
    test(`a passkey of ${algorithm}, which signs in from then on`, async () => {
      const { client, tokens } = await newOwner()
      const { passkey, answer } = await attemptRegistration(client, tokens, { algorithm })
      expectCommonHeaders(answer)
      expect(answer.body).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        credential_id: passkey.id.toString('base64url'),
        name: 'Passkey',
        transports: ['internal', 'hybrid'],
        backed_up: true,
        aaguid: '00000000-0000-0000-0000-000000000000',
        created_at: expect.any(String),
        is_second_factor: false,
        signs_in: true,
        last_used_at: null,
      } satisfies ListedPasskey)
      expect(answer).toMatchObject({ status: 201, trips: { redis: 1 } })
      expect((await attemptSignIn(client, passkey)).answer.body.user.id).toBe(tokens.user.id)
      expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'passkey.added': 1 })
    })

  test('the name that the person gives it, and else that of their device', async () => {
    const { client, tokens } = await newOwner()
    expect((await newPasskey(client, tokens, { name: ' Laptop ' })).listed.name).toBe('Laptop')
    const { options, cookie } = await registrationOptions(client, tokens)
    const { credential } = createPasskey(options, client.tenant.origin)
    const { body } = await client.call('/v1/passkeys/register/verify', {
      bearer: tokens.access_token,
      json: { credential },
      headers: {
        cookie,
        'user-agent':
          'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
      },
    })
    expect(body).toMatchObject({ name: 'Chrome on Linux' })
  })

  test('one that the browser made by itself, without asking the person (conditional create), where that was asked for', async () => {
    const { client, tokens } = await newOwner()
    const { options, cookie } = await registrationOptions(client, tokens, { conditional: true })
    const { passkey, credential } = createPasskey(options, client.tenant.origin, {
      present: false,
      verified: false,
    })
    expect((await finishRegistration(client, tokens, { credential, cookie })).status).toBe(201)
    expect((await attemptSignIn(client, passkey)).answer.status).toBe(200)
    expectProblem((await attemptSignIn(client, passkey, { verified: false })).answer, 'invalid_passkey')
  })

  test('one that attests itself with its own key, and one that counts', async () => {
    const { client, tokens } = await newOwner()
    expect((await attemptRegistration(client, tokens, { attestsItself: true })).answer.status).toBe(201)
    const { passkey } = await newPasskey(client, tokens, { counter: 41, backupEligible: false })
    const [row] = await service().sql('select counter, backed_up from passkeys where credential_id = $1', [
      passkey.id,
    ])
    expect(row).toEqual({ counter: '41', backed_up: false })
  })

  test('beside one trip to Redis, two to PostgreSQL', async () => {
    const { client, tokens } = await newOwner()
    await client.me(tokens.access_token)
    const { answer } = await attemptRegistration(client, tokens)
    expect(answer.trips).toEqual({ redis: 1, postgres: 2 })
  })
})

describe('refuses', () => {
  test('a caller who signed in more than ten minutes ago', async () => {
    const { client, email, tokens } = await newOwner()
    await service().sql("update sessions set auth_time = now() - interval '11 minutes' where id = $1", [
      tokens.session.id,
    ])
    const { body: refreshed } = await client.refresh(tokens.refresh_token)
    const late = { bearer: refreshed.access_token }
    expectProblem(
      await client.call('/v1/passkeys/register/options', { ...late, json: {} }),
      'insufficient_user_authentication',
    )
    const recent = await client.signIn(email)
    const { options, cookie } = await registrationOptions(client, recent)
    const { credential } = createPasskey(options, client.tenant.origin)
    const json = { credential }
    expectProblem(
      await client.call('/v1/passkeys/register/verify', { ...late, json, headers: { cookie } }),
      'insufficient_user_authentication',
    )
  })

  test('one that nothing would offer before an address is typed (not discoverable)', async () => {
    const { client, tokens } = await newOwner()
    const { answer } = await attemptRegistration(client, tokens, { credProps: { rk: false } })
    expectProblem(answer, 'invalid_passkey')
  })

  test('the 21st passkey of an account, also when many come at once (CASES G10)', async () => {
    const { client, tokens } = await newOwner()
    for (let n = 0; n < 18; n++) await client.plantedPasskey(tokens)
    const answers = await race(6, async () => (await attemptRegistration(client, tokens)).answer)
    expect(countBy(answers, statusOf)).toEqual({ 201: 2, 409: 4 })
    expectProblem((await attemptRegistration(client, tokens)).answer, 'too_many_passkeys')
    expect(await countPasskeys(tokens.user.id)).toBe(20)
  })

  test('one that waits while the 20th is added counts that one too (CASES G10)', async () => {
    const { client, tokens } = await newOwner()
    for (let n = 0; n < 19; n++) await client.plantedPasskey(tokens)
    const { options, cookie } = await registrationOptions(client, tokens)
    const { credential } = createPasskey(options, client.tenant.origin)
    const holder = await service().connect()
    try {
      await holder.query('begin')
      await holder.query('select id from users where id = $1 for no key update', [tokens.user.id])
      await holder.query(
        `insert into passkeys (id, tenant_id, user_id, credential_id, public_key, counter, backup_eligible, backed_up, aaguid, name)
         select gen_random_uuid(), tenant_id, user_id, sha256(credential_id), public_key, 0, true, true, aaguid, name
         from passkeys where user_id = $1 limit 1`,
        [tokens.user.id],
      )
      const adding = client.call('/v1/passkeys/register/verify', {
        bearer: tokens.access_token,
        json: { credential },
        headers: { cookie },
      })
      const waiting = `select 1 from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'`
      await expect.poll(() => service().sql(waiting, [service().database])).not.toEqual([])
      await holder.query('commit')
      expectProblem(await adding, 'too_many_passkeys')
    } finally {
      await holder.end()
    }
    expect(await countPasskeys(tokens.user.id)).toBe(20)
  })
})
