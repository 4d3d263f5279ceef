/** Apple: its client secret is a JWT of the team, its booleans are texts, and a name is never in its ID token. */
import { randomUUID } from 'node:crypto'
import { jwtVerify } from 'jose'
import {
  type Asked,
  type Company,
  newAddress,
  type Office,
  oauthError,
  type Reply,
  refuse,
} from './company.ts'

const client = { id: 'com.example.signin', secret: '' } // a private key, which `startWorld` makes
export const APPLE_TEAM = { team_id: 'TEAM123456', key_id: 'KEY1234567' }

export const apple: Company = {
  client,
  page: /^https:\/\/appleid\.apple\.com\/auth\/authorize$/,
  scopes: ['openid', 'email', 'name'],
  hosts: ['appleid.apple.com'],
  newPerson: () => ({
    sub: `001234.${randomUUID().replaceAll('-', '')}.1234`,
    email: newAddress('privaterelay.appleid.com'),
    email_verified: 'true',
    is_private_email: 'true',
    name: { firstName: 'Ada', lastName: 'Lovelace' },
  }),
  answer,
}

async function answer(asked: Asked, { redeem, sign, jwk, teamKey }: Office): Promise<Reply | null> {
  const { url, form, headers } = asked
  const issuer = 'https://appleid.apple.com'
  if (url.href === `${issuer}/.well-known/openid-configuration`)
    return {
      body: {
        issuer,
        authorization_endpoint: `${issuer}/auth/authorize`,
        token_endpoint: `${issuer}/auth/token`,
        jwks_uri: `${issuer}/auth/keys`,
        response_types_supported: ['code'],
        response_modes_supported: ['query', 'fragment', 'form_post'],
        subject_types_supported: ['pairwise'],
        id_token_signing_alg_values_supported: ['RS256'],
        token_endpoint_auth_methods_supported: ['client_secret_post'],
      },
    }
  if (url.href === `${issuer}/auth/keys`) return { body: { keys: [jwk] } }
  if (url.href !== `${issuer}/auth/token`) return null
  const isTeam = await jwtVerify(form.get('client_secret') ?? '', teamKey, {
    algorithms: ['ES256'],
    issuer: APPLE_TEAM.team_id,
    subject: client.id,
    audience: issuer,
    requiredClaims: ['iat', 'exp'],
    maxTokenAge: '180 days',
  }).then(
    ({ protectedHeader }) => protectedHeader.kid === APPLE_TEAM.key_id,
    () => false,
  )
  if (!isTeam || headers.authorization !== undefined || form.get('client_id') !== client.id)
    return refuse(400, { error: 'invalid_client' })
  const granted = redeem(form)
  if (!granted || form.get('redirect_uri') !== granted.redirectUri)
    return oauthError(400, 'invalid_grant', 'The code has expired or has been revoked.')
  const claims = { iss: issuer, aud: client.id, nonce: granted.asked.get('nonce') }
  const { name: _, ...person } = granted.person // never in its ID token
  const id_token = await sign({ ...claims, nonce_supported: true, ...person })
  return {
    body: { access_token: 'a1', token_type: 'Bearer', expires_in: 3600, refresh_token: 'r1', id_token },
  }
}
