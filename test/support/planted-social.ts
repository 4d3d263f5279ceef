/** Providers, identities and flows as their operations would have made them, and in a moment: for tests that begin behind them. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { sealSecret } from '../../src/social/providers.ts'
import { keepState, newSecret } from '../../src/social/state.ts'
import { CLIENT, type IdentityProvider, startIdentityProvider } from './identity-provider.ts'
import type { Service, TestTenant } from './service.ts'

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))

/** Where a browser returns to, of every planted tenant. */
export const PLANTED_RETURN = 'com.example.planted:/back'

type Stage = Pick<Service, 'sql' | 'redis' | 'bindings'>

/** One whose kind needs no discovery: nothing is asked of it before a code is there. */
export async function plantProvider({ sql, bindings }: Stage, tenant: TestTenant, secret = 'a secret') {
  const [id, slug] = [randomUUID(), `planted-${randomBytes(4).toString('hex')}`]
  const settings = { authKeys: parseKeyring(bindings.AUTH_KEYS ?? '') }
  const sealed = await sealSecret({ settings, random } as Parameters<typeof sealSecret>[0], id, secret) // of the settings it takes the keys
  await sql(
    `insert into providers (id, tenant_id, slug, kind, name, issuer, client_id, sealed_secret, scopes)
     values ($1, $2, $3, 'github', 'GitHub', 'https://github.com', 'latchkey', $4, '{user:email}')`,
    [id, tenant.id, slug, sealed],
  )
  await sql(
    `update tenants set settings = settings || jsonb_build_object('redirect_uris', $2::jsonb) where id = $1`,
    [tenant.id, JSON.stringify([PLANTED_RETURN])],
  )
  return { id, slug }
}

/** The one of this process, which ends with it. */
let running: Promise<IdentityProvider> | undefined
export const runningProvider = (): Promise<IdentityProvider> => {
  running ??= startIdentityProvider()
  return running
}

/** One that is asked for its discovery document, and whose word counts for step-up. */
export async function plantTrustedProvider(stage: Stage, tenant: TestTenant) {
  const { issuer } = await runningProvider()
  const planted = await plantProvider(stage, tenant, CLIENT.secret)
  await stage.sql(
    `update providers set kind = 'oidc', issuer = $2, client_id = $3, trusts_assurance = true where id = $1`,
    [planted.id, issuer, CLIENT.id],
  )
  return planted
}

/** A person of a planted provider who has an account. */
export async function plantIdentity(
  { sql }: Pick<Service, 'sql'>,
  tenant: TestTenant,
  userId: string,
  provider = 'planted',
) {
  const id = randomUUID()
  await sql(
    `insert into identities (id, tenant_id, user_id, provider, issuer, subject, email_at_link)
     values ($1, $2, $3, $4, 'https://github.com', $5, 'ada@example.com')`,
    [id, tenant.id, userId, provider, randomUUID()],
  )
  return { id }
}

/** A flow that a browser has begun at the provider. */
export async function plantFlow({ redis }: Pick<Service, 'redis'>, { host }: TestTenant, slug: string) {
  const [state, browser] = [newSecret({ random }), newSecret({ random })]
  const flow = {
    nonce: newSecret({ random }),
    codeVerifier: newSecret({ random }),
    redirectUri: PLANTED_RETURN,
  }
  const codeChallenge = createHash('sha256').update(flow.codeVerifier).digest('base64url')
  const kept = await keepState(
    { host, now: () => new Date(), random },
    state,
    { slug, browser },
    {
      ...flow,
      appState: null,
      codeChallenge: 'A'.repeat(43),
      purpose: 'sign_in',
      caller: null,
    },
  )
  if (!('set' in kept)) throw new Error('a state is kept by being set')
  await redis(['SET', kept.set, kept.value, 'PX', String(kept.milliseconds)])
  return { state, browser, nonce: flow.nonce, codeChallenge }
}

/** The same at a provider that answers, where a person of the account has agreed: what the browser is sent back with. */
export async function plantAgreement(stage: Service, tenant: TestTenant, userId: string) {
  const { slug } = await plantTrustedProvider(stage, tenant)
  const provider = await runningProvider()
  const subject = randomUUID()
  await stage.sql(
    `insert into identities (id, tenant_id, user_id, provider, issuer, subject)
     values (gen_random_uuid(), $1, $2, $3, $4, $5)`,
    [tenant.id, userId, slug, provider.issuer, subject],
  )
  const { state, browser, nonce, codeChallenge } = await plantFlow(stage, tenant, slug)
  const asked = { state, nonce, code_challenge: codeChallenge }
  const redirect_uri = `${tenant.origin}/v1/oauth/${slug}/callback`
  const url = `${provider.issuer}/authorize?${new URLSearchParams({ ...asked, redirect_uri })}`
  return { slug, returned: provider.consent(url, { sub: subject }), browser }
}

/** A code that an app was sent. */
export async function plantExchange({ sql }: Pick<Service, 'sql'>, tenant: TestTenant, userId: string) {
  const [code, verifier] = [newSecret({ random }), newSecret({ random })]
  await sql(
    `insert into oauth_exchanges (code_hash, tenant_id, user_id, code_challenge, amr, aal, expires_at)
     values (decode($1, 'hex'), $2, $3, $4, '{fed}', 1, now() + interval '1 minute')`,
    [
      createHash('sha256').update(code).digest('hex'),
      tenant.id,
      userId,
      createHash('sha256').update(verifier).digest('base64url'),
    ],
  )
  return { code, verifier }
}
