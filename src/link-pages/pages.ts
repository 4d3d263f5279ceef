/**
 * The pages that mailed links open. They know nothing: what a link is worth is decided when its form is posted, so that
 * whatever merely looks at a link (a scanner, a prefetch, a preview) changes nothing and learns nothing. No script, no
 * resource of anybody's, and a policy that would refuse both; the token is in one hidden field and nowhere else.
 */
import type { Context as HonoContext, MiddlewareHandler } from 'hono'
import { html, raw } from 'hono/html'
import type { Env } from '../context.ts'
import { parseOneTimeToken } from '../crypto/one-time-token.ts'
import { checkLimits } from '../limits/check.ts'
import { problemResponse, refuse } from '../problem.ts'
import { languageOf } from './languages/languages.ts'
import type { Instead, Mishap, Texts } from './languages/texts.ts'
import { SHELL_STYLE, shellPolicy } from './style.ts'

export type Page =
  | 'verify_email'
  | 'reset_password'
  | 'change_email'
  | 'revert_email'
  | 'sign_in'
  | 'restore_account'
  | 'accept_invitation'
  | 'forgot_password'

type Field = {
  name: 'email' | 'name' | 'password'
  label: keyof Texts['fields']
  type: 'text' | 'password'
  /** Which keys a phone shows. No `type="email"`: browsers refuse U+00A0 around an address, which we take away. */
  inputMode?: 'email'
  /** For password managers (HTML, autofill detail tokens). */
  autocomplete: 'username' | 'name' | 'current-password' | 'new-password'
  required: boolean
  /** In UTF-16 units, so that a browser says at once what no tenant would take (tenants.ts, `password_min_length`). */
  minLength?: number
}

const newPassword: Field = {
  name: 'password',
  label: 'newPassword',
  type: 'password',
  autocomplete: 'new-password',
  required: true,
  minLength: 8,
}

/** What a page asks for besides the button. */
const FIELDS: Record<Page, readonly Field[]> = {
  verify_email: [
    {
      name: 'password',
      label: 'currentPassword',
      type: 'password',
      autocomplete: 'current-password',
      required: false,
    },
  ],
  reset_password: [newPassword],
  change_email: [],
  revert_email: [],
  sign_in: [],
  restore_account: [],
  accept_invitation: [
    { name: 'name', label: 'optionalName', type: 'text', autocomplete: 'name', required: false },
    newPassword,
  ],
  forgot_password: [
    {
      name: 'email',
      label: 'email',
      type: 'text',
      inputMode: 'email',
      autocomplete: 'username',
      required: true,
    },
  ],
}

type PageContext = HonoContext<Env>

/** The page of a mailed link. Refusals `rate_limited`; `invalid_one_time_token` for what is no token, before anybody is asked. */
export async function showLink(c: PageContext, page: Page): Promise<Response> {
  const [token, ...others] = c.req.queries('token') ?? []
  if (token === undefined || others.length > 0 || parseOneTimeToken(token) === null)
    return problemResponse(refuse('invalid_one_time_token', { evidence: { reason: 'malformed' } }), c.var.ctx)
  return showForm(c, page, token)
}

/** The page of a form that needs no token. */
export async function showForm(c: PageContext, page: Page, token: string | null = null): Promise<Response> {
  const { ctx } = c.var
  const limited = await checkLimits(ctx, 'linkPage')
  if (limited) return problemResponse(limited, ctx)
  return renderForm(c, page, token)
}

/** What happened, once it did: what the page is for, or something else that its operation came to. */
export function showDone(c: PageContext, page: Page, instead: Instead | null = null): Promise<Response> {
  const { texts } = languageOf(c.req.raw.headers)
  const { heading, next } = instead === null ? texts.pages[page].done : texts.instead[instead]
  return render(c, { heading, content: html`<p role="status">${next}</p>`, status: 200 })
}

/**
 * Makes a page of whatever goes wrong with a page's operation, in the reader's language; the status and its headers
 * stay. The form does not come again, because a refusal repeats no token: the way back leads to it.
 */
export const asPage =
  (page: Page): MiddlewareHandler<Env> =>
  async (c, next) => {
    await next()
    if (c.res.headers.get('content-type') !== 'application/problem+json') return
    const problem: Problem = await c.res.json() // of problemResponse, which makes no other
    const { texts } = languageOf(c.req.raw.headers)
    const content = html`<p role="alert">${texts.mishaps[mishapOf(page, problem, texts)]}</p>
      ${FINAL[problem.code] ? '' : html`<p>${texts.goBack}</p>`}`
    c.res = await render(c, { heading: texts.refused, content, status: c.res.status })
  }

type Problem = { code: string; errors?: { pointer: string; code: string }[] }

/** After these another attempt ends the same. */
const FINAL: Record<string, true> = {
  invalid_one_time_token: true,
  email_taken: true,
  origin_not_allowed: true,
  unknown_host: true,
}

function mishapOf(page: Page, { code, errors = [] }: Problem, { mishaps }: Texts): Mishap {
  if (page === 'sign_in' && code === 'invalid_one_time_token') return 'invalid_sign_in_link'
  const ofPassword = errors.find(({ pointer }) => pointer === '/password')?.code
  const known = [ofPassword, code].find((one) => one !== undefined && Object.hasOwn(mishaps, one))
  return (known ?? 'other') as Mishap // a key of `mishaps`
}

function renderForm(c: PageContext, page: Page, token: string | null): Promise<Response> {
  const { texts } = languageOf(c.req.raw.headers)
  const { heading, lead, button } = texts.pages[page]
  const content = html`<p id="lead">${lead}</p>
      <form method="post" action="${c.req.path}" aria-describedby="lead">
        ${token === null ? '' : html`<input type="hidden" name="token" value="${token}">`}
        ${FIELDS[page].map((field) => renderField(field, texts))}
        <button type="submit">${button}</button>
      </form>`
  return render(c, { heading, content, status: 200 })
}

const renderField = (
  { name, label, type, inputMode, autocomplete, required, minLength }: Field,
  { fields }: Texts,
) =>
  html`<label for="${name}">${fields[label]}</label>
        <input id="${name}" name="${name}" type="${type}"${inputMode ? html` inputmode="${inputMode}" autocapitalize="none" spellcheck="false"` : ''} autocomplete="${autocomplete}"${required ? raw(' required') : ''}${minLength ? html` minlength="${minLength}"` : ''}>`

type Content = ReturnType<typeof html>

async function render(
  c: PageContext,
  { heading, content, status }: { heading: string; content: Content; status: number },
): Promise<Response> {
  const { tag } = languageOf(c.req.raw.headers)
  const page = await html`<!doctype html>
<html lang="${tag}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="robots" content="noindex">
    <title>${heading}</title>
    <style>${raw(SHELL_STYLE)}</style>
  </head>
  <body>
    <main>
      <h1>${heading}</h1>
      ${content}
    </main>
  </body>
</html>
`
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-language': tag,
    'content-security-policy': await shellPolicy(),
  }
  return new Response(page.toString(), { status, headers })
}
