/** GET /healthz — the process answers; it asks nobody, so that a dead database does not get Workers restarted. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'

export const healthz = new Hono<Env>().get('/healthz', (c) => c.json({ status: 'ok' }))
