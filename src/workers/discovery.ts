/** The Worker `discovery`: /.well-known/*, /openapi.json, /healthz. It holds the database alone. */
import { createApp } from '../app.ts'
import { openapi } from '../contract/openapi.route.ts'
import { healthz } from '../health/healthz.route.ts'
import { jwks } from '../keys/jwks.route.ts'
import { relatedOrigins } from '../passkeys/related-origins.route.ts'
import { changePasswordPage } from '../tenants/change-password-page.route.ts'
import { openidConfiguration } from '../tenants/openid-configuration.route.ts'

export const operations = [jwks, openidConfiguration, changePasswordPage, relatedOrigins, openapi, healthz]

export const secrets = ['DATABASE_URL'] as const

export default createApp(operations, secrets)
