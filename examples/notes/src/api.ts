/**
 * An API of notes on Workers, and the page that calls it. Who calls is told by `latchkey/verifier`, with no call to the service at a
 * request; a token of a session that has ended is refused within 15 seconds.
 */
import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { createVerifier, requireAuth } from 'latchkey/verifier'
import { renderDocument } from './document.ts'

/** As wrangler.toml says. */
type Bindings = {
  /** The tenant's issuer. */
  ISSUER: string
  NOTES: KVNamespace
}

/** A note is the metadata of a key, which has room for 1024 bytes of JSON. */
const MAX_CHARACTERS = 160

const { ISSUER: issuer } = env as Bindings // typed for all Workers of a project alike
/** It keeps the keys and the status list from one request to the next. */
const verifier = createVerifier({ issuer, endedSessions: 'refuse' })

const app = new Hono<{ Bindings: Bindings }>()

app.use(
  secureHeaders({
    contentSecurityPolicy: { defaultSrc: ["'self'"], connectSrc: ["'self'", issuer] },
  }),
)

app.get('/', (c) => c.html(renderDocument(issuer)))

/** A person's notes are under their `sub`, so that no request can name another's. */
app.get('/api/notes', requireAuth(verifier), async (c) => {
  const { keys } = await c.env.NOTES.list<string>({ prefix: `${c.var.auth.sub}:` })
  return c.json({ data: keys.map(({ metadata }) => metadata) })
})

app.post('/api/notes', requireAuth(verifier), async (c) => {
  const text = await c.req.text()
  if (text === '' || text.length > MAX_CHARACTERS)
    return c.json({ title: `A note has 1 to ${MAX_CHARACTERS} characters`, status: 422 }, 422)
  // Names are listed in their order: the oldest note first.
  const name = `${c.var.auth.sub}:${new Date().toISOString()}:${crypto.randomUUID()}`
  await c.env.NOTES.put(name, '', { metadata: text })
  return c.body(null, 201)
})

export default app
