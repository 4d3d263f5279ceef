import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { signInOptions } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, { method: 'GET', path: '/.well-known/webauthn', allow: 'GET, HEAD', caller: 'anyone' })

const ask = async (options: Parameters<typeof newClient>[1]) =>
  (await newClient(service(), options)).call('/.well-known/webauthn')

describe('answers', () => {
  test('the origins on which the passkeys may be used, to any page, for ten minutes', async () => {
    const app = `android:apk-key-hash:${'A'.repeat(43)}`
    const settings = { passkey_rp_id: 'example.com', passkey_origins: ['https://example.de', app] }
    const answer = await ask({ settings })
    expect(answer).toMatchObject({ status: 200, body: { origins: ['https://example.de'] } })
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('cache-control')).toBe('public, max-age=600')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })

  test('where the tenant says nothing: its own, and those of its pages that its domain covers', async () => {
    const host = `related-${crypto.randomUUID()}.test`
    const allowedOrigins = [`https://app.${host}`, 'https://elsewhere.example', `https://evil${host}`]
    const { body } = await ask({ host, allowedOrigins })
    expect(body).toEqual({ origins: [`http://${host}`, `https://app.${host}`] })
  })
})

describe('refuses', () => {
  test.each([
    { passkey_rp_id: 'https://example.com' },
    { passkey_rp_id: 'Example.com' },
    { passkey_rp_id: 'example.com.' },
    { passkey_origins: [] },
    { passkey_origins: ['http://example.com'] },
    { passkey_origins: ['https://example.com/'] },
    { passkey_origins: ['https://*.example.com'] },
    { passkey_origins: ['*'] },
    { passkey_origins: 'https://example.com' },
    { passkey_origins: ['android:apk-key-hash:short'] },
  ])('a setting that is none of what it may be: %o counts as absent', async (settings) => {
    const client = await newClient(service())
    // What the one check refuses may be there from before it.
    await service().sql('update tenants set settings = $2 where id = $1', [client.tenant.id, settings])
    const { body } = await client.call('/.well-known/webauthn')
    expect(body).toEqual({ origins: [client.tenant.origin] })
    expect((await signInOptions(client)).options.rpId).toBe(new URL(client.tenant.origin).hostname)
  })

  test('a domain that covers none of the origins, as our own mistake: no passkey could ever be used', async () => {
    expectProblem(await ask({ settings: { passkey_rp_id: 'elsewhere.example' } }), 'internal_error')
  })
})
