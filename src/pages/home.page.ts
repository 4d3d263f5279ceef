/** / — The way to sign in. On the local stack: what runs there, and what to try first. */
import type { Context } from '../context.ts'
import { plainPage, seeOther } from './hosted.ts'
import { pagePolicy } from './style.ts'

export const homePage = plainPage('homePage', {
  path: '/',
  budget: { redis: 0, postgres: 0 },
  show: ({ c, ctx }) =>
    ctx.settings.environment === 'local' ? showLocal(ctx) : seeOther(`/sign-in${new URL(c.req.url).search}`),
})

async function showLocal({
  settings: { mail },
  origin,
  tenant,
}: Pick<Context, 'settings' | 'origin' | 'tenant'>): Promise<Response> {
  const { renderFrame } = await import('./views/layout.tsx')
  const { local } = await import('./views/local.tsx')
  const mailbox = mail.transport === 'mailbox' ? `http://localhost:${new URL(mail.url).port}/` : null
  const { heading, content } = local({ origin, mailbox })
  const html = renderFrame({
    tag: 'en',
    heading,
    tenant,
    content,
    hasScript: false,
    isWide: true,
    nav: null,
    top: null,
    foot: null,
  })
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-language': 'en',
    'content-security-policy': await pagePolicy(tenant),
  }
  return new Response(html, { headers })
}
