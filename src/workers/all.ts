/** The operations of every Worker of wrangler.toml, in its order. Written by `npm run docs`. */
import { operations as admin } from './admin.ts'
import { operations as apiKey } from './api-key.ts'
import { operations as discovery } from './discovery.ts'
import { operations as email } from './email.ts'
import { operations as mfa } from './mfa.ts'
import { operations as pages } from './pages.ts'
import { operations as passkey } from './passkey.ts'
import { operations as password } from './password.ts'
import { operations as session } from './session.ts'
import { operations as social } from './social.ts'
import { operations as webhook } from './webhook.ts'

export const operations = [
  ...password,
  ...session,
  ...email,
  ...mfa,
  ...passkey,
  ...social,
  ...apiKey,
  ...webhook,
  ...admin,
  ...pages,
  ...discovery,
]
