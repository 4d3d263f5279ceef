/**
 * Apple posts its answer, says the name only the first time and beside the ID token (through the browser: it is a name that the
 * person could have given), writes booleans as texts, and takes as client secret a JWT that is signed with the team's key:
 * made for each request.
 */
import { importPKCS8, SignJWT } from 'jose'
import * as v from 'valibot'
import { type OidcKind, textOf } from './kind.ts'

const User = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ name: v.object({ firstName: v.optional(v.string()), lastName: v.optional(v.string()) }) }),
)

const SECRET_SECONDS = 300

export const apple: OidcKind = {
  protocol: 'oidc',
  issuer: 'https://appleid.apple.com',
  scopes: ['openid', 'email', 'name'],
  isPosted: true,
  settings: { team_id: /^[A-Z0-9]{10}$/, key_id: /^[A-Z0-9]{10}$/ },
  nameBeside: (user) => {
    const said = v.safeParse(User, user)
    if (!said.success) return null
    const { firstName = '', lastName = '' } = said.output.name
    return textOf(`${firstName} ${lastName}`.trim())
  },
  clientSecret: async ({ clientId, secret, settings: { team_id: teamId = '', key_id: kid = '' } }, now) => {
    const seconds = Math.floor(now.getTime() / 1000)
    return new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid })
      .setIssuer(teamId)
      .setSubject(clientId)
      .setAudience('https://appleid.apple.com')
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + SECRET_SECONDS)
      .sign(await importPKCS8(secret, 'ES256'))
  },
  isEmailProved: ({ email_verified }) => email_verified === true || email_verified === 'true',
}
