/**
 * In place of the packages that read certificates (`alias` in wrangler.toml), which are a tenth of the all-in-one: an attestation
 * that has one is refused before it is looked at (webauthn.ts). What the library imports by name throws where it is used.
 */
import { Fault } from '../problem.ts'

class Certificates {
  constructor() {
    throw new Fault('internal_error', 'certificates of authenticators are not read')
  }
}

export {
  Certificates as AuthorityKeyIdentifierExtension,
  Certificates as CRLDistributionPointsExtension,
  Certificates as SubjectKeyIdentifierExtension,
  Certificates as X509Certificate,
  Certificates as X509ChainBuilder,
  Certificates as X509Crl,
}
