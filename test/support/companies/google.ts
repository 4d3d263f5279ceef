/** Google, by the document that panva/wellknown keeps. It says `email_verified` of addresses that it does not host, too. */
import { randomInt } from 'node:crypto'
import {
  type Asked,
  type Company,
  hasSecret,
  newAddress,
  type Office,
  oauthError,
  type Reply,
} from './company.ts'

const client = { id: '1234567890-abc.apps.googleusercontent.com', secret: 'GOCSPX-secret' }

export const google: Company = {
  client,
  page: /^https:\/\/accounts\.google\.com\/o\/oauth2\/v2\/auth$/,
  scopes: ['openid', 'email', 'profile'],
  hosts: ['accounts.google.com', 'oauth2.googleapis.com', 'www.googleapis.com'],
  newPerson: () => ({
    sub: `1${Array.from({ length: 20 }, () => randomInt(10)).join('')}`,
    email: newAddress('gmail.com'),
    email_verified: true,
    name: 'Ada Lovelace',
  }),
  answer,
}

async function answer(asked: Asked, { redeem, sign, jwk }: Office): Promise<Reply | null> {
  const { url, form } = asked
  if (url.href === 'https://accounts.google.com/.well-known/openid-configuration')
    return {
      body: {
        issuer: 'https://accounts.google.com',
        authorization_endpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
        token_endpoint: 'https://oauth2.googleapis.com/token',
        userinfo_endpoint: 'https://openidconnect.googleapis.com/v1/userinfo',
        jwks_uri: 'https://www.googleapis.com/oauth2/v3/certs',
        response_types_supported: ['code', 'token', 'id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
        code_challenge_methods_supported: ['plain', 'S256'],
      },
    }
  if (url.href === 'https://www.googleapis.com/oauth2/v3/certs') return { body: { keys: [jwk] } }
  if (url.href !== 'https://oauth2.googleapis.com/token') return null
  if (!hasSecret(asked, client)) return oauthError(401, 'invalid_client', 'Unauthorized')
  const granted = redeem(form)
  if (!granted) return oauthError(400, 'invalid_grant', 'Bad Request')
  if (form.get('redirect_uri') !== granted.redirectUri)
    return oauthError(400, 'redirect_uri_mismatch', 'Bad Request')
  const { id } = client
  const claims = { iss: 'https://accounts.google.com', azp: id, aud: id, nonce: granted.asked.get('nonce') }
  const id_token = await sign({ ...claims, ...granted.person })
  return {
    body: { access_token: 'ya29.x', expires_in: 3599, scope: 'openid', token_type: 'Bearer', id_token },
  }
}
