/** What of an account's metadata its access tokens carry: as the tenant says, and never in the place of a claim of ours. */
import { describe, expect, test } from 'vitest'
import { requireTenantSettings } from '../../src/tenants/tenants.ts'
import { claimsOf } from '../support/claims.ts'
import { newClient } from '../support/client.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const CLAIMS = {
  customer: 'external_id',
  plan: 'private.plan',
  theme: 'public.theme',
  'https://example.com/seats': 'private.seats',
  absent: 'private.toString',
}

async function tokenWith(
  token_claims: object,
  metadata: { external?: string; open?: object; closed?: object },
) {
  const client = await newClient(service(), { settings: { token_claims } })
  const { tokens, email } = await client.newAccount()
  await service().sql(
    'update users set external_id = $2, public_metadata = $3, private_metadata = $4 where id = $1',
    [
      tokens.user.id,
      metadata.external ?? null,
      JSON.stringify(metadata.open ?? {}),
      JSON.stringify(metadata.closed ?? {}),
    ],
  )
  const signedIn = await client.signIn(email)
  return {
    client,
    tokens: signedIn,
    claims: claimsOf(signedIn.access_token) as unknown as Record<string, unknown>,
  }
}

describe('administration 4: claims of metadata', () => {
  test('are in the token of a sign-in, and change at the next refresh', async () => {
    const { client, tokens, claims } = await tokenWith(CLAIMS, {
      external: 'c-1',
      open: { theme: 'dark' },
      closed: { plan: { name: 'team' }, seats: 5, hidden: 'x' },
    })
    expect(claims).toMatchObject({
      customer: 'c-1',
      theme: 'dark',
      plan: { name: 'team' },
      'https://example.com/seats': 5,
    })
    expect(JSON.stringify(claims)).not.toMatch(/hidden|absent/)
    await service().sql(`update users set private_metadata = '{"plan":"free"}' where id = $1`, [
      tokens.user.id,
    ])
    const { body } = await client.refresh(tokens.refresh_token)
    const renewed = claimsOf(body.access_token) as unknown as Record<string, unknown>
    expect(renewed).toMatchObject({ customer: 'c-1', plan: 'free' })
    expect(Object.keys(renewed)).not.toContain('https://example.com/seats')
    expect((await client.me(body.access_token)).status, 'it is a token as any other').toBe(200)
  })

  test('are left out where they would make the token too long', async () => {
    const { claims, client, tokens } = await tokenWith(CLAIMS, {
      external: 'c-1',
      closed: { plan: 'x'.repeat(2000) },
    })
    expect(claims).toMatchObject({ customer: 'c-1' })
    expect(Object.keys(claims)).not.toContain('plan')
    expect((await client.me(tokens.access_token)).status).toBe(200)
  })

  test('are none where the tenant says nothing', async () => {
    const { claims } = await tokenWith({}, { external: 'c-1', open: { theme: 'dark' } })
    expect(JSON.stringify(claims)).not.toMatch(/c-1|dark/)
  })

  test.each([
    'sub',
    'roles',
    'scope',
    'SID',
    'tid',
    'aud',
    'act',
    'email',
    'email_verified',
    'groups',
    '',
    '1a',
    'a b',
  ])('cannot be called %s', (name) => {
    expect(() => requireTenantSettings({ token_claims: { [name]: 'private.plan' } })).toThrow()
  })

  test.each(['password', 'private', 'private.', 'private.a.b', 'users.email', 'public.a b'])(
    'cannot come from %s',
    (source) => {
      expect(() => requireTenantSettings({ token_claims: { plan: source } })).toThrow()
    },
  )
})
