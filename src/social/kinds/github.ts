/**
 * GitHub, and GitHub Enterprise Server by its own address: OAuth 2.0 without ID tokens. The id is a number that never changes
 * hands, where the login does; the address is the primary one, and proved if GitHub says so.
 */
import * as v from 'valibot'
import { type OAuthKind, textOf } from './kind.ts'

const User = v.object({
  id: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  name: v.optional(v.unknown()),
})
const Emails = v.array(v.object({ email: v.string(), primary: v.boolean(), verified: v.boolean() }))

const GITHUB = 'https://github.com'
const apiOf = (issuer: string) => (issuer === GITHUB ? 'https://api.github.com' : `${issuer}/api/v3`)

export const github: OAuthKind = {
  protocol: 'oauth',
  issuer: GITHUB,
  scopes: ['read:user', 'user:email'],
  endpoints: (issuer) => ({
    authorization_endpoint: `${issuer}/login/oauth/authorize`,
    token_endpoint: `${issuer}/login/oauth/access_token`,
  }),
  profile: async (issuer, ask) => {
    const [user, emails] = await Promise.all([
      ask(`${apiOf(issuer)}/user`).then((answer) => v.safeParse(User, answer)),
      ask(`${apiOf(issuer)}/user/emails`).then((answer) => v.safeParse(Emails, answer)),
    ])
    if (!user.success || !emails.success) return null
    const primary = emails.output.find((email) => email.primary)
    return {
      subject: String(user.output.id),
      email: textOf(primary?.email),
      isEmailProved: primary?.verified === true,
      name: textOf(user.output.name),
    }
  },
}
