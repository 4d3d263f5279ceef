/**
 * `/` on the local stack: what runs here, for a browser that came to the address that `npm run dev` printed. It is no
 * operation and asks nobody anything; a deployment answers 404 there and names nothing of itself.
 */
import { html, raw } from 'hono/html'
import type { Context } from './context.ts'
import { SHELL_STYLE, shellPolicy } from './http/page-style.ts'

type Asked = Pick<Context, 'settings' | 'origin'>

export function isForLocalPage({ settings }: Asked, { method, url, headers }: Request): boolean {
  return (
    settings.environment === 'local' &&
    method === 'GET' &&
    new URL(url).pathname === '/' &&
    (headers.get('accept') ?? '').includes('text/html')
  )
}

const STYLE = `${SHELL_STYLE}main { max-width: 44rem }
pre { padding: 12px; overflow-x: auto; font-size: 0.875rem; background: #8882 }
`

export async function localPage({ settings: { mail }, origin }: Asked): Promise<Response> {
  const mailbox = mail.transport === 'mailbox' ? `http://localhost:${new URL(mail.url).port}/` : null
  const page = await html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Latchkey runs here</title>
    <style>${raw(STYLE)}</style>
  </head>
  <body>
    <main>
      <h1>Latchkey runs here</h1>
      <p>This is the authentication service on your machine. It is an API; people see only the pages of mailed links.</p>
      ${mailbox === null ? '' : html`<p>Every mail that it sends is in the <a href="${mailbox}">mailbox</a>.</p>`}
      <p>Register, sign in and ask who you are:</p>
      <pre>B=${origin}
curl -s $B/v1/register --json '{"email":"ada@example.com","password":"correct horse battery"}'
curl -s $B/v1/login    --json '{"email":"ada@example.com","password":"correct horse battery"}' | tee /tmp/tokens
AT=$(node -p 'JSON.parse(fs.readFileSync("/tmp/tokens")).access_token')
curl -s $B/v1/me       -H "authorization: Bearer $AT"</pre>
      <p>README.md in the folder that you started it from describes every operation. What clients discover:
        <a href="/.well-known/openid-configuration">/.well-known/openid-configuration</a>,
        <a href="/.well-known/jwks.json">/.well-known/jwks.json</a>.</p>
    </main>
  </body>
</html>
`
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': await shellPolicy(STYLE),
  }
  return new Response(page.toString(), { headers })
}
