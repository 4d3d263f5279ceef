import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { asksByAddress } from '../support/asking.ts'
import { newClient, newEmail } from '../support/client.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

asksByAddress(service, {
  path: '/v1/email/code',
  purpose: 'sign_in',
  event: 'email.sign_in_requested',
  body: { status: 'code_sent', expires_in: 600 },
})

const COOKIE =
  /^__Host-latchkey-challenge=([A-Za-z0-9_-]{43}); Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/

async function ask(client: Awaited<ReturnType<typeof newClient>>, email: string) {
  const { headers } = await client.call('/v1/email/code', { json: { email } })
  const [cookie = '', ...others] = headers.getSetCookie()
  expect(others).toEqual([])
  expect(cookie).toMatch(COOKIE)
  return COOKIE.exec(cookie)?.[1] ?? ''
}

describe('the cookie of the browser that asks', () => {
  test('is set exactly, another one each time, and for an unknown address as well', async () => {
    const client = await newClient(service())
    const { email } = await client.signUp()
    const nonces = [await ask(client, email), await ask(client, email), await ask(client, newEmail())]
    expect(new Set(nonces).size).toBe(3)
  })

  test('is stored as a digest, and the code as one that needs our key', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    const nonce = await ask(client, email)
    const { code, token } = await client.mailed('sign_in', tokens)
    const [row] = await service().sql<{
      browser_hash: Buffer
      code_hash: Buffer
      hash: Buffer
      seconds: number
    }>(
      `select browser_hash, code_hash, hash, extract(epoch from expires_at - created_at)::int as seconds
       from one_time_tokens where tenant_id = $1`,
      [client.tenant.id],
    )
    const digest = (text: string) => createHash('sha256').update(text).digest()
    expect(row?.browser_hash).toEqual(digest(nonce))
    expect(row?.hash).toEqual(digest(token))
    expect(row?.code_hash).toHaveLength(32)
    for (const text of [code, `${email}${code}`, `sign_in code of\0${email}\0${code}`])
      expect(row?.code_hash).not.toEqual(digest(text))
    expect(row?.seconds).toBe(600)
  })
})
