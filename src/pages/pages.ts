/**
 * The pages that mailed links open. Looking at one (a scanner, a prefetch, a preview) changes nothing: what a link does is
 * done when its form is posted. A link that is over says so before anything is typed, and offers the way on. No script, no
 * external resource, and a policy that would refuse both; the token is in hidden fields and nowhere else.
 */

import type { SQL } from 'drizzle-orm'
import type { Context as HonoContext, MiddlewareHandler } from 'hono'
import type { Child } from 'hono/jsx'
import { userIsClosed, userIsNotErased } from '../accounts/store.ts'
import type { Context, Env } from '../context.ts'
import { checkLimits } from '../limits/check.ts'
import { readToken, refuseToken } from '../one-time/one-time.ts'
import { type OneTimePurpose, PURPOSES } from '../one-time/purposes.ts'
import { findLink, type LiveLink } from '../one-time/store.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import { findTenantOfHost } from '../tenants/store.ts'
import { requireTenant } from '../tenants/tenants.ts'
import type { EmailPage, Page } from './forms.ts'
import { languageOf } from './languages/languages.ts'
import type { Instead, Mishap, Texts } from './languages/texts.ts'
import { pagePolicy } from './style.ts'

/** What the account of a link must be, where that is not `userIsActive`. */
const ACCOUNTS: Partial<Record<Page, SQL>> = { restore_account: userIsClosed, revert_email: userIsNotErased }

type PageContext = HonoContext<Env>

/** The page of a mailed link that is alive; else it says that it is over, before anything is typed. One trip. */
export async function showLink(c: PageContext, page: Page): Promise<Response | Refusal> {
  const opened = await openLink(c, page)
  return isRefusal(opened) ? opened : renderForm(c, page, opened.token)
}

/** The page of a link that proves an address. @param keeps whether pressing the button takes nothing away */
export async function showProof(
  c: PageContext,
  keeps: (link: LiveLink) => boolean | Promise<boolean>,
): Promise<Response | Refusal> {
  const opened = await openLink(c, 'verify_email')
  if (isRefusal(opened)) return opened
  if (await keeps(opened.link)) return renderForm(c, 'verify_email', opened.token)
  const { texts } = languageOf(c.req)
  const { Proofs } = await views()
  const content = Proofs({ texts, action: c.req.path, token: opened.token })
  return render(c, { heading: texts.pages.verify_email.heading, content, status: 200 })
}

/** Refusals `rate_limited`, `unknown_host`; `invalid_one_time_token` for what is none or is over. */
async function openLink(c: PageContext, page: Page): Promise<{ token: string; link: LiveLink } | Refusal> {
  const { ctx } = c.var
  const [token, ...others] = c.req.queries('token') ?? []
  const hash = token === undefined || others.length > 0 ? refuseToken('malformed') : await readToken(token)
  if (isRefusal(hash)) return hash
  const limited = await limitPage(ctx)
  if (limited) return limited
  const purposes = Object.entries(PURPOSES).flatMap(
    ([purpose, { path }]) => (path === c.req.path ? [purpose as OneTimePurpose] : []), // Object.entries forgets the type
  )
  const { tenant: row, link } = await findLink(ctx, hash, { purposes, account: ACCOUNTS[page] })
  const tenant = requireTenant(ctx, row)
  if (isRefusal(tenant)) return tenant
  return link && token ? { token, link } : refuseToken('not alive')
}

const limitPage = (ctx: Context) => checkLimits(ctx, 'linkPage')

/** The page of a form that needs no token. */
export async function showForm(c: PageContext, page: EmailPage): Promise<Response | Refusal> {
  const { ctx } = c.var
  const limited = await limitPage(ctx)
  if (limited) return limited
  const [row] = await findTenantOfHost(ctx)
  const tenant = requireTenant(ctx, row)
  return isRefusal(tenant) ? tenant : renderForm(c, page, null)
}

/** What happened, once it did: what the page is for, or something else that its operation came to. */
export async function showDone(
  c: PageContext,
  page: Page,
  instead: Instead | null = null,
): Promise<Response> {
  const { texts } = languageOf(c.req)
  const { heading, next } = instead === null ? texts.pages[page].done : texts.instead[instead]
  const { Outcome } = await views()
  const content = Outcome({ what: instead ?? page, text: next, texts })
  return render(c, { heading, content, status: 200 })
}

/** Loaded when a page is rendered: Node, which reads the route table from our code, knows no JSX. */
const views = () => import('./views/link-forms.tsx')

/**
 * Makes a page of whatever goes wrong with a page's operation, in the reader's language; the status and its headers
 * stay. The form does not come again, because a refusal repeats no token: the way back leads to it. From a link that is
 * over another form leads on.
 */
export const asPage =
  (page: Page): MiddlewareHandler<Env> =>
  async (c, next) => {
    await next()
    if (c.res.headers.get('content-type') !== 'application/problem+json') return
    const problem: Problem = await c.res.json() // of problemResponse, which makes no other
    const { texts } = languageOf(c.req)
    const isOver = problem.code === 'invalid_one_time_token'
    const mayGoBack = c.req.method === 'POST' && !FINAL[problem.code]
    const { Refused } = await views()
    const alert = texts.mishaps[mishapOf(page, problem, texts)]
    const content = Refused({
      alert,
      on: onFrom(page, problem.code),
      again: mayGoBack ? texts.goBack : null,
      over: isOver ? page : null,
      siteKey: c.var.ctx.tenant.turnstile,
      texts,
    })
    const heading = isOver ? texts.isOver : texts.refused
    c.res = await render(c, { heading, content, status: c.res.status })
  }

/** A change of address is begun anew where it was begun; everything else by signing in, if not by the form again. */
function onFrom(page: Page, code: string) {
  if (code === 'unknown_host') return null
  if (code === 'turnstile_failed' && (page === 'forgot_password' || page === 'request_sign_in')) return page
  return page === 'change_email' && code === 'invalid_one_time_token' ? 'account_email' : 'sign_in'
}

type Problem = { code: string; errors?: { pointer: string; code: string }[] }

/** After these another attempt ends the same. */
const FINAL: Record<string, true> = {
  invalid_one_time_token: true,
  email_taken: true,
  origin_not_allowed: true,
  second_factor_required: true,
  unknown_host: true,
  turnstile_failed: true,
}

function mishapOf(page: Page, { code, errors = [] }: Problem, { mishaps }: Texts): Mishap {
  if (page === 'sign_in' && code === 'invalid_one_time_token') return 'invalid_sign_in_link'
  const ofPassword = errors.find(({ pointer }) => /^\/(new_)?password$/.test(pointer))?.code
  const known = [ofPassword, code].find((one) => one !== undefined && Object.hasOwn(mishaps, one))
  return (known ?? 'other') as Mishap // a key of `mishaps`
}

async function renderForm(c: PageContext, page: Page, token: string | null): Promise<Response> {
  const { tag, texts } = languageOf(c.req)
  const { heading } = texts.pages[page]
  const { Led, asksHuman } = await views()
  const { Turnstile } = await import('./views/turnstile.tsx')
  const siteKey = asksHuman(page) ? c.var.ctx.tenant.turnstile : null
  const human = Turnstile({ siteKey, tag, texts })
  const content = Led({ page, texts, action: c.req.path, token, human })
  return render(c, { heading, content, status: 200, asksHuman: siteKey !== null })
}

async function render(
  c: PageContext,
  {
    heading,
    content,
    status,
    asksHuman = false,
  }: { heading: string; content: Child; status: number; asksHuman?: boolean },
): Promise<Response> {
  const { tag } = languageOf(c.req)
  const { renderFrame } = await import('./views/layout.tsx')
  const { Headed } = await views()
  const page = renderFrame({
    tag,
    heading,
    tenant: c.var.ctx.tenant,
    content: Headed({ heading, children: content }),
    hasScript: false,
    asksHuman,
    isWide: false,
    nav: null,
    top: null,
    foot: null,
  })
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-language': tag,
    'content-security-policy': await pagePolicy({ ...c.var.ctx.tenant, asksHuman }),
  }
  return new Response(page, { status, headers })
}
