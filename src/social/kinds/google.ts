/**
 * Google speaks for the addresses that it hosts, gmail.com and those of Workspace (`hd`). It has verified another address
 * once, and does not hear when that changes hands ("Authenticate with a backend server", developers.google.com).
 */
import type { OidcKind } from './kind.ts'

export const google: OidcKind = {
  protocol: 'oidc',
  issuer: 'https://accounts.google.com',
  scopes: ['openid', 'email', 'profile'],
  isEmailProved: ({ email, email_verified, hd }) =>
    email_verified === true &&
    typeof email === 'string' &&
    (/@gmail\.com$/i.test(email) ||
      (typeof hd === 'string' && email.toLowerCase().endsWith(`@${hd.toLowerCase()}`))),
}
