/**
 * Microsoft Entra. For accounts of any directory (`common`, `organizations`) discovery names the issuer with `{tenantid}` in it,
 * and a token names the directory that it is of (`tid`). An administrator of any directory may write any address into it
 * (nOAuth), so it is proved only where Entra says that the owner of its domain was verified (`xms_edov`). The keys of all
 * directories and those of personal accounts are in one set; each says of whom it is, and may sign for them alone.
 */
import type { OidcKind } from './kind.ts'

const DIRECTORY = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const ANY_DIRECTORY = /\/(common|organizations|consumers)\/v2\.0$/

/** `…/{tenantid}/v2.0`, and an issuer that is that of a directory. */
const isOfAnyDirectory = (of: string, issuer: string) =>
  of === issuer.replace(/[0-9a-f-]{36}\/v2\.0$/, '{tenantid}/v2.0')

export const microsoft: OidcKind = {
  protocol: 'oidc',
  scopes: ['openid', 'email', 'profile'],
  expectedIssuer: {
    discovered: (issuer) => issuer.replace(/\/(common|organizations)\/v2\.0$/, '/{tenantid}/v2.0'),
    ofClaims: (issuer, { tid }) =>
      typeof tid === 'string' && DIRECTORY.test(tid) ? issuer.replace(ANY_DIRECTORY, `/${tid}/v2.0`) : issuer,
  },
  mayKeySign: ({ issuer: of }, issuer) =>
    of === undefined || of === issuer || (typeof of === 'string' && isOfAnyDirectory(of, issuer)),
  isEmailProved: ({ xms_edov }) => xms_edov === true || xms_edov === 1 || xms_edov === '1',
}
