/** The Worker `jobs`: queues and crons, no public route. The only one that holds the mail provider's key. */
import { createJobs } from '../jobs.ts'
import { SECRETS } from '../settings.ts'

export const operations = [] as const

export const secrets = SECRETS

export default createJobs(secrets)
