/** Changes of address: what was not confirmed on both sides of one and the same change never happens, in whatever order. */
import { describe, expect, test } from 'vitest'
import { whileHeld } from '../support/attempts.ts'
import { type Client, countBy, newClient, newEmail, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'
import { redeem } from '../support/redemptions.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const BURST = { timeout: 120_000 }

const request = (client: Client, { access_token }: Tokens, email: string) =>
  client.call('/v1/email/change', { bearer: access_token, json: { email } })

/** The two tokens of the change that was asked for last. */
const mailedPair = async (client: Client, tokens: Tokens) => ({
  old: (await client.mailed('change_email_old', tokens)).token,
  new: (await client.mailed('change_email_new', tokens)).token,
})

const confirm = (client: Client, token: string) =>
  client.call('/v1/email/change/confirm', { json: { token } })

async function newChange() {
  const client = await newClient(service())
  const { email: former, tokens } = await client.newAccount()
  const address = newEmail()
  expect((await request(client, tokens, address)).status).toBe(202)
  return { client, former, tokens, address, pair: await mailedPair(client, tokens) }
}

async function account({ user }: Tokens) {
  const [row] = await service().sql<{ email: string; is_verified: boolean }>(
    'select email, email_verified_at is not null as is_verified from users where id = $1',
    [user.id],
  )
  return row
}

const tokensOf = ({ user }: Tokens) =>
  service().sql('select purpose, subject, consumed_at from one_time_tokens where user_id = $1', [user.id])

describe('50 simultaneous confirmations of each of the two addresses', () => {
  test('are one each, and the change happens once', BURST, async () => {
    const { client, former, tokens, address, pair } = await newChange()
    const hold = 'select id from users where id = $1 for no key update'
    const held = { text: hold, values: [tokens.user.id], waiting: 100 }
    const answers = await whileHeld(service(), held, () =>
      race(100, (n) => confirm(client, n % 2 === 0 ? pair.old : pair.new)),
    )
    const won = answers.flatMap(({ status, body }, n) =>
      status === 200 ? [{ side: n % 2, said: body.status }] : [],
    )
    expect(won.map(({ side }) => side).toSorted()).toEqual([0, 1])
    expect(won.map(({ said }) => said).toSorted()).toEqual(['changed', 'waiting'])
    expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 2, 400: 98 })
    expect(await account(tokens)).toEqual({ email: address, is_verified: true })
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'email.changed': 1 })
    expect((await tokensOf(tokens)).filter(({ consumed_at }) => consumed_at === null)).toEqual([
      { purpose: 'revert_email', subject: former, consumed_at: null },
    ])
  })
})

/** All orders of these. */
function orders<T>(items: T[]): T[][] {
  if (items.length < 2) return [items]
  return items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map((rest) => [item, ...rest]))
}

const STEPS = ['ask for c', 'confirm b at a', 'confirm b at b'] as const

describe('two changes at once, a to b and a to c', () => {
  // Six orders, three times each, and two more: twenty.
  const rounds = Array.from({ length: 20 }, (_, n) => orders([...STEPS])[n % 6] ?? [])

  test('end at b only if both confirmed b, and never at c unless both confirmed c', BURST, async () => {
    for (const [n, steps] of rounds.entries()) {
      const { client, former, tokens, address: b, pair } = await newChange()
      const c = newEmail()
      const perform = {
        'ask for c': () => request(client, tokens, c),
        'confirm b at a': () => confirm(client, pair.old),
        'confirm b at b': () => confirm(client, pair.new),
      }
      const answers = await Promise.all(steps.map(async (step) => ({ step, answer: await perform[step]() })))
      const answered = new Map<string, number>(answers.map(({ step, answer }) => [step, answer.status]))
      const isB = answered.get('confirm b at a') === 200 && answered.get('confirm b at b') === 200
      // Whatever became of b, one side of c alone brings nothing about; every other round it is the new one.
      const left = await tokensOf(tokens)
      if (left.some(({ purpose, subject }) => purpose === 'change_email_new' && subject === c)) {
        const { old, new: fresh } = await mailedPair(client, tokens)
        await confirm(client, n % 2 === 0 ? old : fresh)
      }
      expect((await account(tokens))?.email, steps.join(', ')).toBe(isB ? b : former)
    }
  })

  test('of which each confirmed one side, another one, change nothing', async () => {
    for (const [first, second] of [['old', 'new'] as const, ['new', 'old'] as const]) {
      const { client, former, tokens, pair } = await newChange()
      expect((await confirm(client, pair[first])).body).toEqual({ status: 'waiting' })
      const c = newEmail()
      await request(client, tokens, c)
      const later = await mailedPair(client, tokens)
      expect((await confirm(client, later[second])).body).toEqual({ status: 'waiting' })
      expectProblem(await confirm(client, pair[second]), 'invalid_one_time_token')
      expect(await account(tokens)).toEqual({ email: former, is_verified: false })
      expect((await confirm(client, later[first])).body).toEqual({ status: 'changed' })
      expect(await account(tokens)).toEqual({ email: c, is_verified: true })
    }
  })

  test('whose tokens were planted into each other pair up by the change alone', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    const [one, other] = [crypto.randomUUID(), crypto.randomUUID()]
    const old = await client.plant('change_email_old', tokens, { flowId: one })
    const fresh = await client.plant('change_email_new', tokens, { flowId: other, subject: newEmail() })
    for (const { token } of [old, fresh])
      expect((await confirm(client, token)).body).toEqual({ status: 'waiting' })
    expect((await account(tokens))?.email).toBe(email)
  })

  test('whose other confirmation has expired meanwhile is asked for again', async () => {
    const { client, former, tokens, pair } = await newChange()
    expect((await confirm(client, pair.new)).body).toEqual({ status: 'waiting' })
    await service().sql(
      `update one_time_tokens set expires_at = now() where user_id = $1 and purpose = 'change_email_new'`,
      [tokens.user.id],
    )
    expect((await confirm(client, pair.old)).body).toEqual({ status: 'waiting' })
    expect((await account(tokens))?.email).toBe(former)
  })
})

describe('a change', () => {
  test('to an address that got an account meanwhile happens to neither, and uses nothing up', async () => {
    const { client, former, tokens, address, pair } = await newChange()
    await confirm(client, pair.old)
    const { body: other } = await client.register(address)
    expectProblem(await confirm(client, pair.new), 'email_taken')
    expect((await account(tokens))?.email).toBe(former)
    expect((await account(other))?.email).toBe(address)
    await service().sql('update users set deleted_at = now() where id = $1', [other.user.id])
    expect((await confirm(client, pair.new)).body).toEqual({ status: 'changed' })
  })

  test('of two accounts to one address at the same moment happens to one', async () => {
    const client = await newClient(service())
    const address = newEmail()
    const both = []
    for (const _ of [0, 1]) {
      const { tokens } = await client.newAccount()
      await request(client, tokens, address)
      const pair = await mailedPair(client, tokens)
      await confirm(client, pair.old)
      both.push({ pair })
    }
    const answers = await Promise.all(both.map(({ pair }) => confirm(client, pair.new)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409])
    const rows = await service().sql('select id from users where email = $1', [address])
    expect(rows).toHaveLength(1)
  })

  test('is undone while a later one is being confirmed, and the later one does not happen then', async () => {
    const { client, former, tokens, pair } = await newChange()
    await confirm(client, pair.old)
    await confirm(client, pair.new)
    const revert = await client.mailed('revert_email', tokens)
    await request(client, tokens, newEmail())
    const later = await mailedPair(client, tokens)
    await Promise.all([
      redeem(client, 'revert_email', { ...revert, cookie: '' }),
      confirm(client, later.old),
      confirm(client, later.new),
    ])
    expect(await account(tokens)).toEqual({ email: former, is_verified: true })
    for (const token of Object.values(later)) expect((await confirm(client, token)).status).toBe(400)
    expect((await account(tokens))?.email).toBe(former)
  })
})
