/** Facebook: plain OAuth 2.0. It does not say whether an address is proved, so none is: people link it to an account that they have. */
import * as v from 'valibot'
import { type OAuthKind, textOf } from './kind.ts'

const Me = v.object({
  id: v.pipe(v.string(), v.regex(/^[0-9]{1,32}$/)),
  name: v.optional(v.unknown()),
  email: v.optional(v.unknown()),
})

const API = 'https://graph.facebook.com/v21.0'

export const facebook: OAuthKind = {
  protocol: 'oauth',
  issuer: 'https://www.facebook.com',
  scopes: ['public_profile', 'email'],
  endpoints: () => ({
    authorization_endpoint: 'https://www.facebook.com/v21.0/dialog/oauth',
    token_endpoint: `${API}/oauth/access_token`,
  }),
  profile: async (_issuer, ask) => {
    const me = v.safeParse(Me, await ask(`${API}/me?fields=id,name,email`))
    if (!me.success) return null
    const { id, name, email } = me.output
    return { subject: id, email: textOf(email), isEmailProved: false, name: textOf(name) }
  },
}
