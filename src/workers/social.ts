/** The Worker `social`: /v1/oauth/* and /v1/identities*. It calls providers; those are managed by `admin`. */
import { createApp } from '../app.ts'
import { readByPeople } from '../pages/bare.ts'
import { SECRETS } from '../settings.ts'
import { exchangeSocialSignIn } from '../social/exchange-social-sign-in.route.ts'
import { finishPostedSocialSignIn } from '../social/finish-posted-social-sign-in.route.ts'
import { finishSocialSignIn } from '../social/finish-social-sign-in.route.ts'
import { linkIdentity } from '../social/link-identity.route.ts'
import { listIdentities } from '../social/list-identities.route.ts'
import { startSocialSignIn } from '../social/start-social-sign-in.route.ts'
import { stepUpAtProvider } from '../social/step-up-at-provider.route.ts'
import { unlinkIdentity } from '../social/unlink-identity.route.ts'

export const operations = [
  // Where browsers are sent.
  ...[startSocialSignIn, finishSocialSignIn, finishPostedSocialSignIn].map(readByPeople),
  exchangeSocialSignIn,
  linkIdentity,
  stepUpAtProvider,
  listIdentities,
  unlinkIdentity,
]

export const secrets = SECRETS

export default createApp(operations, secrets)
