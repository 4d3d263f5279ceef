import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { usePasskey } from '../support/passkey-authenticator.ts'
import { attemptSignIn, attemptStepUp, finishStepUp, newPasskey, stepUpOptions } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'stepUpWithPasskey')

/** A session that began after the account had a passkey, and whose authentication is old. */
async function newOld() {
  const client = await newClient(service())
  const { email, tokens: first } = await client.newAccount()
  const { passkey } = await newPasskey(client, first)
  const tokens = await client.signIn(email)
  const age = () =>
    service().sql(`update sessions set auth_time = now() - interval '1 hour' where id = $1`, [
      tokens.session.id,
    ])
  await age()
  return { client, email, tokens, passkey, age }
}

const exported = ({ client, tokens }: Awaited<ReturnType<typeof newOld>>) =>
  client.call('/v1/me/export', { bearer: tokens.access_token })

test('factors 7: a passkey renews the session, whose tokens say it', async () => {
  const old = await newOld()
  expectProblem(await exported(old), 'insufficient_user_authentication')
  const { answer } = await attemptStepUp(old.client, old.passkey, old.tokens)
  expect(answer.status).toBe(200)
  expect(answer.trips).toEqual({ redis: 1, postgres: 2 })
  expect(decodeJwt(answer.body.access_token)).toMatchObject({
    amr: ['pwd', 'pop', 'user', 'mfa'],
    acr: 'aal2',
    sid: old.tokens.session.id,
  })
  expect((await exported(old)).status).toBe(200)
})

test('factors 7: an account without a password steps up with its passkey', async () => {
  const { client, passkey, tokens: first } = await newOld()
  await service().sql('delete from passwords where user_id = $1', [first.user.id])
  const { answer } = await attemptSignIn(client, passkey)
  const tokens = answer.body
  await service().sql(`update sessions set auth_time = now() - interval '1 hour' where id = $1`, [
    tokens.session.id,
  ])
  expect((await attemptStepUp(client, passkey, tokens)).answer.status).toBe(200)
  expect((await client.call('/v1/me/export', { bearer: tokens.access_token })).status).toBe(200)
})

test('factors 7: a passkey that this session added proves nothing about who holds it', async () => {
  const old = await newOld()
  const { client, tokens, passkey } = old
  await service().sql('update sessions set auth_time = now() where id = $1', [tokens.session.id])
  const added = await newPasskey(client, tokens)
  await old.age()
  expectProblem((await attemptStepUp(client, added.passkey, tokens)).answer, 'invalid_passkey')
  expectProblem(await exported(old), 'insufficient_user_authentication')
  expect((await attemptStepUp(client, passkey, tokens)).answer.status).toBe(200)
})

test.each([
  ['of another origin', { origin: 'https://evil.example' }],
  ['of a person who was not verified', { verified: false }],
  ['of another domain', { rpId: 'evil.example' }],
] as const)('G03, G04: what a passkey signed %s renews nothing', async (_, deviation) => {
  const old = await newOld()
  expectProblem(
    (await attemptStepUp(old.client, old.passkey, old.tokens, deviation)).answer,
    'invalid_passkey',
  )
  expectProblem(await exported(old), 'insufficient_user_authentication')
})

test('G01, G06: a challenge of another account, and a passkey of another account', async () => {
  const mine = await newOld()
  const other = await mine.client.newAccount()
  const theirs = await newPasskey(mine.client, other.tokens)
  const { tokens, passkey, client } = mine
  const later = await client.signIn(other.email)
  const asked = await stepUpOptions(client, later)
  const credential = usePasskey(passkey, asked.options, client.tenant.origin)
  expectProblem(await finishStepUp(client, tokens, { credential, cookie: asked.cookie }), 'invalid_passkey')
  expectProblem((await attemptStepUp(client, theirs.passkey, tokens)).answer, 'invalid_passkey')
  expectProblem(await exported(mine), 'insufficient_user_authentication')
})

test('G02: of 50 uses of one challenge one renews the session', async () => {
  const { client, tokens, passkey } = await newOld()
  const { options, cookie } = await stepUpOptions(client, tokens)
  const credential = usePasskey(passkey, options, client.tenant.origin)
  const answers = await race(50, () => finishStepUp(client, tokens, { credential, cookie }))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
})

test('factors 7: a challenge that Redis hands out again after a failover renews nothing again', async () => {
  const { client, tokens, passkey } = await newOld()
  const { options, cookie } = await stepUpOptions(client, tokens)
  const credential = usePasskey(passkey, options, client.tenant.origin)
  const keys = (await service().redis(['KEYS', '*ceremony*'])) as string[] // a list of names
  const kept = await Promise.all(
    keys.map(async (key) => [key, String(await service().redis(['GET', key]))] as const),
  )
  const finish = () => finishStepUp(client, tokens, { credential, cookie })
  expect((await finish()).status).toBe(200)
  for (const [key, value] of kept) await service().redis(['SET', key, value])
  expectProblem(await finish(), 'invalid_passkey')
})

test('factors 7: with Redis flushed between options and answer it is refused, and the next try passes', async () => {
  const { client, tokens, passkey } = await newOld()
  const { options, cookie } = await stepUpOptions(client, tokens)
  const credential = usePasskey(passkey, options, client.tenant.origin)
  await service().redis(['FLUSHALL'])
  expectProblem(await finishStepUp(client, tokens, { credential, cookie }), 'invalid_passkey')
  expect((await attemptStepUp(client, passkey, tokens)).answer.status).toBe(200)
})
