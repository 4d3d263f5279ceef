/** The Worker `api-key`: /v1/api-keys*. */
import { createApiKey } from '../api-keys/create-api-key.route.ts'
import { listApiKeys } from '../api-keys/list-api-keys.route.ts'
import { renameApiKey } from '../api-keys/rename-api-key.route.ts'
import { revokeApiKey } from '../api-keys/revoke-api-key.route.ts'
import { rotateApiKey } from '../api-keys/rotate-api-key.route.ts'
import { verifyApiKey } from '../api-keys/verify-api-key.route.ts'
import { createApp } from '../app.ts'

export const operations = [createApiKey, listApiKeys, renameApiKey, rotateApiKey, revokeApiKey, verifyApiKey]

export const secrets = [
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'AUTH_KEYS',
] as const

export default createApp(operations, secrets)
