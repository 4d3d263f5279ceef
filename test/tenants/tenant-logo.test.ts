/** A logo as browsers are given it: one version for good, its own tenant's alone, and nothing but a picture. */
import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { png } from '../support/planted-logo.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

async function newLogo() {
  const client = await newClient(service())
  const version = await client.plantedLogo()
  const fetchLogo = (one = version) => service().fetch(`${client.tenant.origin}/logo/${one}`)
  return { client, version, fetchLogo }
}

describe('accepts', () => {
  test('pages 24: the bytes that were uploaded, of their type, which a browser keeps for good and never sniffs', async () => {
    const { fetchLogo } = await newLogo()
    for (const answer of [await fetchLogo(), await fetchLogo()]) {
      expect(answer.status).toBe(200)
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'image/png',
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(answer.headers.get('set-cookie')).toBeNull()
      expect(Buffer.from(await answer.arrayBuffer()).equals(png())).toBe(true)
    }
  })
})

describe('refuses', () => {
  test.each(['A'.repeat(43), 'x', '%2e%2e%2fsign-in', 'a%2fb', '%00', 'A'.repeat(300), "'; drop"])(
    'pages 24: %j is no version',
    async (version) => {
      const { fetchLogo } = await newLogo()
      const answer = await fetchLogo(version)
      expect(answer.status).toBe(404)
      expect(answer.headers.get('cache-control')).toBe('no-store')
    },
  )

  test('pages 24: one that was taken away, where the edge has none', async () => {
    const { client, fetchLogo } = await newLogo()
    await service().sql(`update tenants set logo = null, settings = settings - 'logo' where id = $1`, [
      client.tenant.id,
    ])
    expect((await fetchLogo()).status).toBe(404)
  })
})

describe('attacks', () => {
  test("pages 24: another tenant's, also one that the edge keeps", async () => {
    const { version, fetchLogo } = await newLogo()
    expect((await fetchLogo()).status).toBe(200)
    const other = await newClient(service())
    expect((await service().fetch(`${other.tenant.origin}/logo/${version}`)).status).toBe(404)
  })

  test('pages 24: what is in the table, and is no picture, is never given out', async () => {
    const { client, fetchLogo } = await newLogo()
    await service().sql(`update tenants set logo = 'data:text/html;base64,PHNjcmlwdD4=' where id = $1`, [
      client.tenant.id,
    ])
    expect((await fetchLogo()).status).toBe(500)
  })
})
