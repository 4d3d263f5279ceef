/** Every operation in one Worker: what `npm run dev` runs and the simplest deployment. */
import { createApp } from './app.ts'
import { SECRETS } from './settings.ts'
import { operations as discovery } from './workers/discovery.ts'
import { operations as password } from './workers/password.ts'
import { operations as session } from './workers/session.ts'

export const operations = [...password, ...session, ...discovery]

export const secrets = SECRETS

export default createApp(operations, secrets)
