/** Every operation, queue and cron in one Worker: what `npm run dev` runs and the simplest deployment. */
import { createApp } from './app.ts'
import { createJobs } from './jobs.ts'
import { SECRETS } from './settings.ts'
import { operations as admin } from './workers/admin.ts'
import { operations as discovery } from './workers/discovery.ts'
import { operations as email } from './workers/email.ts'
import { operations as mfa } from './workers/mfa.ts'
import { operations as passkey } from './workers/passkey.ts'
import { operations as password } from './workers/password.ts'
import { operations as session } from './workers/session.ts'
import { operations as webhook } from './workers/webhook.ts'

export const operations = [
  ...password,
  ...session,
  ...email,
  ...mfa,
  ...passkey,
  ...webhook,
  ...admin,
  ...discovery,
]

export const secrets = SECRETS

export default { fetch: createApp(operations, secrets).fetch, ...createJobs(secrets) }
