/**
 * Each Worker of wrangler.toml started alone: its own bundle, its own bindings, and of the secrets only those that it
 * requires. It does all that is routed to it, and nothing else.
 */
import { describe, expect, test } from 'vitest'
import { EVERY_OPERATION } from '../operations.ts'
import { WORKERS } from '../support/bundles.ts'
import { createClient, newClient } from '../support/client.ts'
import { readCode } from '../support/limit-rows.ts'
import { type Service, useService } from '../support/service.ts'

const whole = useService() // prepares what the one alone is asked for

const code = readCode()
const namesOf = (worker: string) =>
  (code[worker]?.operations ?? []).map(({ method, path }) => `${method} ${path}`)
const separate = WORKERS.filter((worker) => worker !== '')
const answering = separate.filter((worker) => namesOf(worker).length > 0)

async function newCaller(alone: Service) {
  const client = await newClient(whole())
  const { tokens } = await client.signUpAdmin()
  return { client: createClient(alone, client.tenant), tokens }
}

describe.each(answering)('%s, alone', (worker) => {
  const alone = useService({ workers: [worker], beside: whole })

  test.each(namesOf(worker))('%s succeeds', async (name) => {
    const { client, tokens } = await newCaller(alone())
    const operation = EVERY_OPERATION.find((one) => one.name === name)
    const call = await operation?.prepare(client, tokens)
    const answer = await call?.()
    expect(answer?.status, JSON.stringify(answer?.body)).toBeLessThan(400)
  })

  test('has none of the operations of another Worker', async () => {
    const client = createClient(alone(), await whole().newTenant())
    const others = namesOf('all-in-one').filter((name) => !namesOf(worker).includes(name))
    expect(others.length).toBeGreaterThan(0)
    for (const name of others) {
      const [method = '', path = ''] = name.split(' ')
      const { status } = await client.call(path.replaceAll(/:\w+/g, client.tenant.id), { method })
      expect(status, name).toBe(404)
    }
  })
})

describe('jobs, alone', () => {
  const alone = useService({ workers: ['jobs'], beside: whole })

  test('is the one Worker without an operation', () => {
    expect(separate.filter((worker) => !answering.includes(worker))).toEqual(['jobs'])
  })

  test.each(['* * * * *', '17 * * * *'])('does what is due at %s', async (cron) => {
    await newCaller(whole())
    expect(await alone().runCron(cron)).toMatchObject({ outcome: 'ok' })
    expect(alone().logs().join('\n')).not.toContain('"level":"error"')
  })

  test('consumes the queue of events', async () => {
    const { tokens } = await newCaller(whole())
    expect(await alone().consume()).toMatchObject({ outcome: 'ok', retryMessages: [] })
    const left = 'select from events where subject = $1 and dispatched_at is null'
    expect(await whole().sql(left, [tokens.user.id])).toEqual([])
  })
})
