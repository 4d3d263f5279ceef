/** Every operation, queue and cron in one Worker: what `npm run dev` runs and the simplest deployment. */
import { createApp } from './app.ts'
import { createJobs } from './jobs.ts'
import { SECRETS } from './settings.ts'
import { operations } from './workers/all.ts'

export { operations }

export const secrets = SECRETS

export default { fetch: createApp(operations, secrets).fetch, ...createJobs(secrets) }
