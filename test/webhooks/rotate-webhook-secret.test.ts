import { describe, expect, test } from 'vitest'
import { race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { useLentService } from '../support/service.ts'
import {
  auditOfWebhooks,
  newAdministrator,
  signingSecrets,
  storedWebhook,
} from '../support/webhook-administrator.ts'

const service = useLentService()

everyRoute(service, {
  method: 'POST',
  path: '/v1/webhooks/:id/rotate-secret',
  allow: 'POST',
  caller: 'admin',
})

type Rotated = { secret: string; previous_secret_expires_at: string }

async function newEndpoint() {
  const administrator = await newAdministrator(service())
  const { id, secret } = await administrator.newWebhook()
  const rotate = () => administrator.call<Rotated>('POST', `/${id}/rotate-secret`)
  return { ...administrator, id, secret, rotate }
}

describe('accepts', () => {
  test('answers a new secret, and both sign for a day', async () => {
    const { client, tokens, id, secret, rotate } = await newEndpoint()
    const { status, body } = await rotate()
    expect(status).toBe(200)
    expect(Object.keys(body)).toEqual(['secret', 'previous_secret_expires_at'])
    expect(body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const expiresAt = Date.parse(body.previous_secret_expires_at)
    expect(Math.abs(expiresAt - Date.now() - 86_400_000)).toBeLessThan(60_000)
    expect(await signingSecrets(service(), id)).toEqual([body.secret, secret])
    expect((await auditOfWebhooks(service(), client)).at(-1)).toEqual({
      type: 'webhook.secret_rotated',
      actor: tokens.user.id,
      subject: null,
      data: { endpoint_id: id },
    })
  })

  test('twice in a day: the first secret is gone at once', async () => {
    const { id, rotate } = await newEndpoint()
    const [second, third] = [(await rotate()).body.secret, (await rotate()).body.secret]
    expect(await signingSecrets(service(), id)).toEqual([third, second])
  })
})

describe('races', () => {
  test('of ten at once every one answers a secret of its own, and the last two sign', async () => {
    const { id, rotate } = await newEndpoint()
    const secrets = (await race(10, rotate)).map(({ body }) => body.secret)
    expect(new Set(secrets).size).toBe(10)
    const signing = await signingSecrets(service(), id)
    expect(signing).toHaveLength(2)
    for (const secret of signing) expect(secrets).toContain(secret)
  })
})

test('no secret is stored but sealed', async () => {
  const { id, secret, rotate } = await newEndpoint()
  const { body } = await rotate()
  const stored = JSON.stringify(await storedWebhook(service(), id))
  for (const text of [secret, body.secret]) expect(stored).not.toContain(text.slice('whsec_'.length))
})
