/** The Worker `password`: /v1/register, /v1/login. The only one that carries Argon2. */
import { createApp } from '../app.ts'
import { login } from '../passwords/login.route.ts'
import { registerRoute } from '../passwords/register.route.ts'
import { SECRETS } from '../settings.ts'

export const operations = [registerRoute, login]

export const secrets = SECRETS

export default createApp(operations, secrets)
