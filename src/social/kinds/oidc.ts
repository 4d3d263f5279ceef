/** Any OpenID Connect issuer, also a bridge to SAML: `email_verified` counts when it is `true`, and nothing that looks like it. */
import type { OidcKind } from './kind.ts'

export const oidc: OidcKind = {
  protocol: 'oidc',
  scopes: ['openid', 'email', 'profile'],
  asksUserInfo: true,
  isEmailProved: ({ email_verified }) => email_verified === true,
}
