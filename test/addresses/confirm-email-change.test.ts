import { describe, expect, test } from 'vitest'
import { MAX_FAILURES } from '../../src/accounts/attempts.ts'
import { setFailures } from '../support/attempts.ts'
import { countBy, newClient, newEmail, PASSWORD, race } from '../support/client.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { tokensOf } from '../support/one-time.ts'
import { recordedOf } from '../support/recorded.ts'
import { redeemsToken } from '../support/redeeming.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

redeemsToken(service, { path: '/v1/email/change/confirm', purpose: 'change_email_new', status: 200 })

/** Someone who asked for another address. */
async function newMover(moved = newEmail()) {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  const ask = (to: string) =>
    client.call('/v1/email/change', { bearer: tokens.access_token, json: { email: to } })
  expect((await ask(moved)).status).toBe(202)
  const links = async () => ({
    old: (await client.mailed('change_email_old', tokens)).token,
    new: (await client.mailed('change_email_new', tokens)).token,
  })
  const confirm = (token: string) => client.call('/v1/email/change/confirm', { json: { token } })
  const me = async () => (await client.me(tokens.access_token)).body
  return { client, email, moved, tokens, ask, links, confirm, me }
}

describe('accepts', () => {
  test.each([
    ['the old one first', ['old', 'new']],
    ['the new one first', ['new', 'old']],
  ] as const)('both confirmations, %s, and then the account has the new address', async (_, order) => {
    const { client, email, moved, tokens, links, confirm, me } = await newMover()
    const mailed = await links()
    const first = await confirm(mailed[order[0]])
    expect(first).toMatchObject({ status: 200, body: { status: 'waiting' } })
    expectCommonHeaders(first)
    expect(await me()).toMatchObject({ email, email_verified: false })
    expect(await recordedOf(service(), tokens.user.id, 'email.changed')).toEqual([])

    expect((await confirm(mailed[order[1]])).body).toEqual({ status: 'changed' })
    expect(await me()).toMatchObject({ email: moved, email_verified: true })
    expect((await client.login(moved)).body.user).toMatchObject({ id: tokens.user.id, email: moved })
    expectProblem(await client.login(email), 'invalid_credentials')
    expect((await client.refresh(tokens.refresh_token)).status, 'its sessions go on').toBe(200)
  })

  test('a change, and mails the old address what undoes it for 72 hours', async () => {
    const { client, email, tokens, links, confirm } = await newMover()
    const mailed = await links()
    for (const token of [mailed.old, mailed.new]) await confirm(token)
    const alive = (await tokensOf(service(), client.tenant)).filter(({ consumed_at }) => consumed_at === null)
    expect(alive).toMatchObject([{ purpose: 'revert_email', user_id: tokens.user.id, subject: email }])
    const { id: actor } = tokens.user
    expect(await recordedOf(service(), actor, 'email.changed')).toEqual([
      { actor, data: { token_id: alive[0]?.id } },
    ])
    const [row] = await service().sql(
      `select extract(epoch from expires_at - created_at)::int as seconds from one_time_tokens where id = $1`,
      [alive[0]?.id],
    )
    expect(row).toEqual({ seconds: 72 * 3600 })
  })

  test('a change, and voids every link that was mailed to the old address', async () => {
    const { client, tokens, links, confirm } = await newMover()
    const reset = await client.plant('reset_password', tokens)
    const mailed = await links()
    for (const token of [mailed.old, mailed.new]) await confirm(token)
    const json = { token: reset.token, password: 'another battery staple' }
    expectProblem(await client.call('/v1/password/reset', { json }), 'invalid_one_time_token')
  })
})

describe('refuses', () => {
  test('an address that has come to have an account, at the second confirmation, and uses nothing up', async () => {
    const { client, email, moved, tokens, links, confirm, me } = await newMover()
    const mailed = await links()
    expect((await confirm(mailed.new)).body).toEqual({ status: 'waiting' })
    const { body: other } = await client.register(moved)
    expectProblem(await confirm(mailed.old), 'email_taken')
    expect(await me()).toMatchObject({ email, email_verified: false })
    expect(await recordedOf(service(), tokens.user.id, 'email.changed')).toEqual([])
    await service().sql('update users set deleted_at = now() where id = $1', [other.user.id])
    expect((await confirm(mailed.old)).body).toEqual({ status: 'changed' })
    expect(await me()).toMatchObject({ email: moved, email_verified: true })
  })

  test('the same confirmation twice: it does not count as the other one', async () => {
    const { email, links, confirm, me } = await newMover()
    const mailed = await links()
    await confirm(mailed.new)
    expectProblem(await confirm(mailed.new), 'invalid_one_time_token')
    expect(await me()).toMatchObject({ email })
  })

  test('to count a first confirmation that is older than its life', async () => {
    const { email, tokens, links, confirm, me } = await newMover()
    const mailed = await links()
    await confirm(mailed.new)
    await service().sql(
      `update one_time_tokens set expires_at = now() - interval '1 second' where user_id = $1 and purpose = 'change_email_new'`,
      [tokens.user.id],
    )
    expect((await confirm(mailed.old)).body).toEqual({ status: 'waiting' })
    expect(await me()).toMatchObject({ email })
  })
})

describe('attacks', () => {
  test('piles 16: a hundred wrong passwords at an address do not shut out the account that moves to it', async () => {
    const { client, moved, links, confirm } = await newMover()
    await setFailures(service(), { tenant: client.tenant, email: moved }, MAX_FAILURES)
    const mailed = await links()
    for (const token of [mailed.old, mailed.new]) expect((await confirm(token)).status).toBe(200)
    expect((await client.login(moved)).status).toBe(200)
  })

  test('the confirmations of two changes never make one (CASES C09)', async () => {
    const { client, email, tokens, ask, links, confirm, me } = await newMover('first@example.com')
    const first = await links()
    expect((await confirm(first.new)).body).toEqual({ status: 'waiting' })
    await ask('second@example.com')
    const second = await links()
    expect((await confirm(second.old)).body).toEqual({ status: 'waiting' })
    expect(await me()).toMatchObject({ email, email_verified: false })

    // As if the first one's confirmation were still there: it names another flow.
    const stray = { subject: 'first@example.com', flowId: crypto.randomUUID(), consumed: true }
    await client.plant('change_email_new', tokens, stray)
    const own = { flowId: crypto.randomUUID() }
    expect((await confirm((await client.plant('change_email_old', tokens, own)).token)).body).toEqual({
      status: 'waiting',
    })
    expect(await me()).toMatchObject({ email })
  })

  test('an address that was not asked for in this change is not taken, no matter which account changed meanwhile', async () => {
    const { tokens, links, confirm, client } = await newMover()
    const mailed = await links()
    await confirm(mailed.new)
    const elsewhere = newEmail()
    await service().sql('update users set email = $2 where id = $1', [tokens.user.id, elsewhere])
    expectProblem(await confirm(mailed.old), 'invalid_one_time_token')
    expect((await client.login(elsewhere)).body.user.email).toBe(elsewhere)
  })

  test('10 at once with both links change the address once', async () => {
    const { tokens, links, confirm, moved, me } = await newMover()
    const mailed = await links()
    const answers = await race(10, (index) => confirm(index % 2 === 0 ? mailed.old : mailed.new))
    const said = countBy(answers, ({ body }) => String((body as { status: unknown }).status))
    expect(said).toEqual({ waiting: 1, changed: 1, 400: 8 })
    expect(await recordedOf(service(), tokens.user.id, 'email.changed')).toHaveLength(1)
    expect(await me()).toMatchObject({ email: moved })
  })

  test('two accounts that ask for one address get it once', async () => {
    const moved = newEmail()
    const one = await newMover(moved)
    const two = await one.client.signUp()
    const bearer = two.tokens.access_token
    await one.client.call('/v1/email/change', { bearer, json: { email: moved } })
    const mailed = await one.links()
    await one.confirm(mailed.old)
    await one.confirm((await one.client.mailed('change_email_old', two.tokens)).token)
    const rival = (await one.client.mailed('change_email_new', two.tokens)).token
    const answers = await Promise.all([one.confirm(mailed.new), one.confirm(rival)])
    expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 1, 409: 1 })
    expect((await one.client.login(moved, PASSWORD)).status).toBe(200)
  })
})
