/** What a request leaves behind for the queue: ids of what was recorded, attempts as they are, and nothing secret. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Client, newClient, newEmail, unknownRefreshToken } from '../support/client.ts'
import { type Message, useStage } from '../support/event-stage.ts'

const stage = useStage()

afterEach(() => {
  stage().queue.refuse(false)
  stage().service.gates.redis.set('open')
  stage().queue.take()
})

/** @returns the messages about the client's tenant, once there are so many */
const messages = (client: Client, count: number) =>
  vi.waitFor(async () => {
    const found = await stage().messagesOf(client.tenant)
    expect(found).toHaveLength(count)
    return found
  })

const attemptsIn = (found: Message[]) => found.flatMap(({ attempt }) => attempt ?? [])

describe('a change', () => {
  test('sends one message with the ids of its events, and nothing about a person', async () => {
    const client = await newClient(stage().service)
    const { tokens } = await client.newAccount()
    const found = await messages(client, 1)
    const rows = await stage().service.sql<{ id: string }>(
      'select id from events where subject = $1 order by id',
      [tokens.user.id],
    )
    expect(found).toEqual([{ recorded: rows.map(({ id }) => id) }])
  })

  test('records who did it, from where, and in which request', async () => {
    const client = await newClient(stage().service)
    const { body, headers } = await client.register()
    const rows = await stage().service.sql('select actor, client from events where subject = $1', [
      body.user.id,
    ])
    expect(rows).toHaveLength(2)
    for (const { actor, client: where } of rows) {
      expect(actor).toBe(body.user.id)
      expect(where).toMatchObject({
        request_id: headers.get('x-request-id'),
        address: client.address.replace(/\.[0-9]+$/, '.0/24'),
      })
    }
  })

  test('that nearly never records anything tells the queue nothing: a refresh', async () => {
    const client = await newClient(stage().service)
    const { tokens } = await client.newAccount()
    await messages(client, 1)
    stage().queue.take()
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200)
    await client.login('nobody@example.com') // its message comes after any of the refresh
    const [message] = await messages(client, 1)
    expect(message?.recorded).toBeUndefined()
  })
})

describe('an attempt', () => {
  test('at an account names the account, and neither the address nor the password', async () => {
    const client = await newClient(stage().service)
    const { email, tokens } = await client.newAccount()
    await client.login(email, 'not the password')
    const found = await messages(client, 2)
    const [attempt, ...more] = attemptsIn(found)
    expect(more).toEqual([])
    expect(attempt).toMatchObject({
      type: 'session.refused',
      subject: tokens.user.id,
      data: { operation: 'POST /v1/login', code: 'invalid_credentials', reason: 'wrong password' },
    })
    const text = JSON.stringify(found)
    for (const secret of [email, 'not the password']) expect(text).not.toContain(secret)
  })

  test('at an address without an account is told alike, without a subject', async () => {
    const client = await newClient(stage().service)
    await client.login(newEmail(), 'not the password')
    const [attempt] = attemptsIn(await messages(client, 1))
    expect(attempt).toMatchObject({ type: 'session.refused', subject: null })
  })

  test('that costs nothing is told once a minute for a network, an operation and a code', async () => {
    const client = await newClient(stage().service)
    for (let n = 0; n < 10; n++) await client.refresh(unknownRefreshToken())
    for (let n = 0; n < 10; n++) await client.me('no.valid.token')
    const told = await vi.waitFor(async () => {
      const types = attemptsIn(await stage().messagesOf(client.tenant)).map(({ type }) => type)
      expect(types).toContain('access.refused')
      return types
    })
    // The mark is written after the answer, so a second request may overtake it; ten cannot.
    expect(told.filter((type) => type === 'refresh.refused').length).toBeLessThanOrEqual(3)
    expect(told.filter((type) => type === 'access.refused').length).toBeLessThanOrEqual(3)
  })

  test('is spilled, sealed, when the queue refuses, and is one log line when Redis refuses too', async () => {
    const { service, queue } = stage()
    const client = await newClient(service)
    const { email, tokens } = await client.newAccount()
    queue.refuse(true)
    service.gates.redis.set('refusing', { when: (body) => body.includes('lk:spilled-events') })
    await client.login(email, 'not the password')
    const lost = () => service.logs().filter((line) => line.includes('"event lost"'))
    await vi.waitFor(() => expect(lost()).toHaveLength(1))
    expect(JSON.parse(lost()[0] ?? '')).toMatchObject({ event: 'session.refused', subject: tokens.user.id })
    expect(lost()[0]).not.toContain(client.address.split('.').slice(0, 3).join('.'))
  })
})
