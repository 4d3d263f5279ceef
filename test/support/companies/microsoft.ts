/** Microsoft Entra: one set of keys for all directories and for personal accounts, each key with the issuer that it may sign for. */
import { createHmac, randomUUID } from 'node:crypto'
import {
  type Asked,
  type Company,
  hasSecret,
  newAddress,
  type Office,
  oauthError,
  type Reply,
} from './company.ts'

const client = { id: 'a5a4e1f0-94c3-4d1a-9f6e-000000000001', secret: 'abc8Q~secret~of~entra' }
export const PERSONAL_ACCOUNTS = '9188040d-6c67-4c5b-b112-36a304b66dad'

export const microsoft: Company = {
  client,
  page: /^https:\/\/login\.microsoftonline\.com\/[\w-]+\/oauth2\/v2\.0\/authorize$/,
  scopes: ['openid', 'email', 'profile', 'offline_access', 'User.Read'],
  hosts: ['login.microsoftonline.com'],
  newPerson: () => ({
    sub: createHmac('sha256', 'pairwise').update(randomUUID()).digest('base64url'),
    oid: randomUUID(),
    tid: randomUUID(),
    email: newAddress('contoso.com'),
    xms_edov: true,
    name: 'Ada Lovelace',
    preferred_username: 'ada@contoso.com',
  }),
  answer,
}

async function answer(asked: Asked, { redeem, sign, jwk, personalJwk }: Office): Promise<Reply | null> {
  const { url, form } = asked
  const login = 'https://login.microsoftonline.com'
  const [, of = '', rest = ''] = /^\/([\w-]+)\/(.*)$/.exec(url.pathname) ?? []
  if (url.origin !== login) return null
  if (rest === 'v2.0/.well-known/openid-configuration')
    return {
      body: {
        issuer: `${login}/${/^(common|organizations)$/.test(of) ? '{tenantid}' : of}/v2.0`,
        authorization_endpoint: `${login}/${of}/oauth2/v2.0/authorize`,
        token_endpoint: `${login}/${of}/oauth2/v2.0/token`,
        jwks_uri: `${login}/${of}/discovery/v2.0/keys`,
        userinfo_endpoint: 'https://graph.microsoft.com/oidc/userinfo',
        response_modes_supported: ['query', 'fragment', 'form_post'],
        response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
        subject_types_supported: ['pairwise'],
        id_token_signing_alg_values_supported: ['RS256'],
        token_endpoint_auth_methods_supported: [
          'client_secret_post',
          'private_key_jwt',
          'client_secret_basic',
        ],
      },
    }
  if (rest === 'discovery/v2.0/keys')
    return {
      body: {
        keys: [
          { ...jwk, alg: undefined, issuer: `${login}/{tenantid}/v2.0` },
          { ...personalJwk, issuer: `${login}/${PERSONAL_ACCOUNTS}/v2.0` },
        ],
      },
    }
  if (rest !== 'oauth2/v2.0/token') return null
  if (!hasSecret(asked, client))
    return oauthError(401, 'invalid_client', 'AADSTS7000215: Invalid client secret provided.')
  const granted = redeem(form)
  if (!granted || form.get('redirect_uri') !== granted.redirectUri)
    return oauthError(400, 'invalid_grant', 'AADSTS70008: The provided authorization code is invalid.')
  const { tid } = granted.person
  const claims = { ver: '2.0', iss: `${login}/${tid}/v2.0`, aud: client.id }
  const id_token = await sign({ ...claims, nonce: granted.asked.get('nonce'), ...granted.person })
  return {
    body: { token_type: 'Bearer', scope: 'openid', expires_in: 3600, access_token: 'eyJ0', id_token },
  }
}
