/** What went wrong, as a page of its own: of what has no form, or is no page at all where it is not refused. */
import type { Context as HonoContext, MiddlewareHandler } from 'hono'
import { accepts } from 'hono/accepts'
import type { Env } from '../context.ts'
import type { Operation } from '../operation.ts'
import { languageOf } from './languages/languages.ts'
import type { Texts } from './languages/texts.ts'
import { type Problem, wordsOf } from './screen.ts'
import { pagePolicy } from './style.ts'

type On = { path: string; text: string }

export const isProblem = ({ headers }: Response) => headers.get('content-type') === 'application/problem+json'

/** A refusal of a page, and the page again, without what it was asked with. */
export const asBarePage: MiddlewareHandler<Env> = async (c, next) => {
  await next()
  if (!isProblem(c.res)) return
  await showProblem(c, ({ on }) =>
    c.req.method === 'POST' ? { path: c.req.path, text: on.again } : { path: '/sign-in', text: on.sign_in },
  )
}

/**
 * An operation that a browser is sent to, and which is no page: a browser that asks for HTML reads what it refuses, and leads on to signing in;
 * everyone else gets the problem.
 */
export function readByPeople({ handlers, ...operation }: Operation): Operation {
  const asPage: MiddlewareHandler<Env> = async (c, next) => {
    await next()
    if (isProblem(c.res) && wantsPage(c))
      await showProblem(c, ({ on }) => ({ path: '/sign-in', text: on.sign_in }))
  }
  return { ...operation, isReadByPeople: true, handlers: [asPage, ...handlers] }
}

const wantsPage = (c: HonoContext<Env>) =>
  accepts(c, {
    header: 'Accept',
    supports: ['text/html', 'application/json'],
    default: 'application/json',
  }) === 'text/html'

/** What a code says where there is no form beside it. */
const bareAlerts = ({ mishaps }: Texts, isPosted: boolean): Record<string, string> => ({
  origin_not_allowed: mishaps.posted_elsewhere,
  ...(!isPosted && { invalid_input: mishaps.bad_return }),
})

/** In the reader's language. On a host that we do not know nothing leads on. */
async function showProblem(c: HonoContext<Env>, leadOn: (texts: Texts) => On): Promise<void> {
  const { code }: Problem = await c.res.json() // of problemResponse, which makes no other
  const { tag, texts } = languageOf(c.req)
  const { renderFrame } = await import('./views/layout.tsx')
  const { Bare } = await import('./views/frame-parts.tsx')
  const alerts = bareAlerts(texts, c.req.method === 'POST')
  const { alert } = wordsOf({ code }, { fields: [], alerts }, texts)
  const html = renderFrame({
    tag,
    heading: texts.refused,
    tenant: c.var.ctx.tenant,
    content: Bare({
      heading: texts.refused,
      alert: alert ?? texts.mishaps.other,
      on: code === 'unknown_host' ? null : leadOn(texts),
    }),
    hasScript: false,
    isWide: false,
    nav: null,
    top: null,
    foot: null,
  })
  c.res = new Response(html, {
    status: c.res.status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-language': tag,
      'content-security-policy': await pagePolicy(c.var.ctx.tenant),
    },
  })
}
