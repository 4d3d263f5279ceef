/**
 * Who issues the subjects of the providers that exports name. Google and GitHub give a person one subject everywhere; Apple gives
 * one for each team and Facebook one for each app, so those work only with the same team and app. Microsoft's differ for each
 * app and tenant, and its exports do not say whose they are.
 */
const ISSUERS: Record<string, string> = {
  google: 'https://accounts.google.com',
  github: 'https://github.com',
  facebook: 'https://www.facebook.com',
  apple: 'https://appleid.apple.com',
}

/** What the systems call them. */
const NAMES: Record<string, string> = {
  'google-oauth2': 'google', // Auth0
  'google.com': 'google', // Firebase
  'github.com': 'github',
  'facebook.com': 'facebook',
  'apple.com': 'apple',
  oauth_google: 'google', // Clerk
  oauth_github: 'github',
  oauth_facebook: 'facebook',
  oauth_apple: 'apple',
  Google: 'google', // Cognito
  Facebook: 'facebook',
  SignInWithApple: 'apple',
}

type Identity = { issuer?: string; provider?: unknown; subject: string; email?: string | null }

/** An identity as our import takes it; without an issuer where the provider is none of these, which the import then names. */
export function identityOf(
  provider: unknown,
  subject: unknown,
  { email, issuer }: { email?: unknown; issuer?: unknown } = {},
): Identity {
  const name = String(provider)
  const known = ISSUERS[NAMES[name] ?? name] ?? (typeof issuer === 'string' && issuer !== '' ? issuer : null)
  const who = { subject: String(subject), ...(typeof email === 'string' && { email }) }
  return known === null ? { provider, ...who } : { issuer: known, ...who }
}
