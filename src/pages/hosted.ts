/**
 * A hosted page: shown at its path, and its form taken there by the operation that everyone calls. What that refuses comes back
 * as the same page, in the reader's language, with what was typed and what is wrong beside its field. A page holds no rule of its own.
 */
import type { Context as HonoContext, MiddlewareHandler } from 'hono'
import type { Child } from 'hono/jsx'
import * as v from 'valibot'
import type { Context, Env } from '../context.ts'
import type { Description, FormSchema } from '../description.ts'
import { checkLimits } from '../limits/check.ts'
import type { LimitedOperation } from '../limits/limits.ts'
import { type Operation, operation } from '../operation.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import type { Present } from '../sessions/presence.ts'
import { asBarePage, isProblem } from './bare.ts'
import { type Flow, FlowQuery, isOwnPath, queryOf, returnSource } from './flow.ts'
import { checkFormToken, newFormToken } from './form-token.ts'
import { LANGUAGES } from './languages/all.ts'
import { languageOf } from './languages/languages.ts'
import type { Texts } from './languages/texts.ts'
import { NOTHING_WRONG, type Problem, type Screen, type Wrong, wordsOf } from './screen.ts'
import { pagePolicy } from './style.ts'

type PageContext = HonoContext<Env>

export type Asked = { c: PageContext; ctx: Context; headers: Headers; flow: Flow }

/** What a view makes: its content, with its heading in it. */
export type View = {
  heading: string
  content: Child
  isWide?: boolean
  asksHuman?: boolean
  /** What leads to the pages beside it, for a page that is one of many. */
  nav?: Child
}

export type HostedPage<Form extends FormSchema, Data> = ShownPage<Data> & {
  form: Form
  /** The row of LIMITS that its form counts against: that of the operation that it is a form of. */
  limits: LimitedOperation
  refusals: Description['refusals']
  budget: Description['budget']
  /** Of its form: see there. */
  formFile?: string
  maxBodyBytes?: number
  /** Of its form, besides a page and the way on. */
  answers?: Description['answers']
  /** What a code says here, in place of what it says elsewhere. */
  alerts?(texts: Texts): Record<string, string>
  take(asked: Asked & { form: v.InferOutput<Form> }): Promise<Response | Refusal>
}

/** A page as far as it is looked at. */
export type ShownPage<Data> = {
  path: `/${string}`
  /** What its address asks besides FlowQuery. */
  query?: v.ObjectEntries
  /** What showing it costs, where that is not one trip to PostgreSQL. */
  shownBudget?: { redis?: 0 | 1; postgres: number }
  /** What it refuses to show, besides what a malformed address brings with it. */
  shownRefusals?: Description['refusals']
  /** Reads what the page shows, in one trip; or leads elsewhere. */
  load(asked: Asked): Promise<Data | Refusal | Response>
  /** What of its address is refused, where the page is shown all the same. */
  refusedIn?(data: Data): Refusal | null
  /** Whose page it is: its forms do nothing for anyone else. */
  shownTo?(data: Data): Present | null
  view(screen: Screen, data: Data): View | Promise<View>
}

const HTML = { 'text/html': v.string() } as const
const ANSWER_HEADERS = ['content-language', 'set-cookie', 'location'] as const

/** Fields of every form: its token. */
export const FORM_FIELDS = { form_token: v.optional(v.pipe(v.string(), v.maxLength(64))) }

const COMMON = {
  answers: { 200: HTML, 303: null },
  answerHeaders: ANSWER_HEADERS,
  caller: 'anyone',
  isPage: true,
} as const

/** A page that is looked at. */
export const shownPage = <Data>(name: string, page: ShownPage<Data>): Operation =>
  operation(
    {
      ...COMMON,
      ...(page.refusedIn && { answers: { ...COMMON.answers, 422: HTML } }),
      path: page.path,
      query: v.object({ ...FlowQuery.entries, ...page.query }),
      id: name,
      method: 'GET',
      refusals: ['invalid_request', ...(page.shownRefusals ?? [])],
      limits: 'hostedPage',
      budget: { redis: 0, postgres: 1, ...page.shownBudget },
    },
    async ({ c, ctx, headers, query }) => {
      const flow = query as Flow // of FlowQuery, among others
      const data = (await limitShown(ctx)) ?? (await page.load({ c, ctx, headers, flow }))
      if (isRefusal(data) || data instanceof Response) return data
      const refused = page.refusedIn?.(data)
      const fields = Object.keys(page.query ?? {})
      const wrong = refused
        ? wordsOf({ ...refused, code: refused.refused }, { fields }, languageOf(c.req).texts)
        : NOTHING_WRONG
      return show(page, { c, ctx, headers, flow }, data, { status: refused ? 422 : 200, wrong })
    },
    asBarePage,
  )

/** @param name of the file and the export; the operations are `<name>` and, for its form, `<name>Form` */
export function hostedPage<const Form extends FormSchema, Data>(
  name: string,
  page: HostedPage<Form, Data>,
): [Operation, Operation] {
  const { path, form, limits, refusals, budget, formFile, maxBodyBytes } = page
  const taken = operation(
    {
      ...COMMON,
      path,
      query: FlowQuery,
      id: `${name}Form`,
      method: 'POST',
      form,
      ...(formFile !== undefined && { formFile }),
      ...(maxBodyBytes !== undefined && { maxBodyBytes }),
      answers: { ...COMMON.answers, ...(page.answers ?? {}) },
      answerHeaders: [...ANSWER_HEADERS, ...(page.answers ? (['content-disposition'] as const) : [])],
      refusals: [...refusals, 'form_expired'],
      limits,
      budget,
    },
    // `body` is of `form`, which TypeScript has lost sight of.
    ({ c, ctx, headers, query: flow, body }) =>
      page.take({ c, ctx, headers, flow, form: body as v.InferOutput<Form> }),
    asBarePage,
    showAgain(page),
  )
  return [shownPage(name, page), taken]
}

const limitShown = (ctx: Context) => checkLimits(ctx, 'hostedPage')

/** A page without a form. */
export const plainPage = (
  name: string,
  {
    path,
    budget,
    show: showIt,
  }: Pick<HostedPage<FormSchema, unknown>, 'path' | 'budget'> & {
    show(asked: Pick<Asked, 'c' | 'ctx'>): Response | Promise<Response>
  },
): Operation =>
  operation(
    {
      id: name,
      method: 'GET',
      path,
      answers: { 200: HTML, 303: null },
      answerHeaders: ['content-language', 'location'],
      refusals: [],
      caller: 'anyone',
      isPage: true,
      limits: 'hostedPage',
      budget,
    },
    async ({ c, ctx }) => (await limitShown(ctx)) ?? showIt({ c, ctx }),
    asBarePage,
  )

/** 303, so that what was posted is not posted on (RFC 9110 §15.4.4). */
export const seeOther = (location: string, cookies: readonly string[] = []): Response => {
  const response = new Response(null, { status: 303, headers: { location } })
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}

/** The check of a form that anyone may be shown. Refusal `form_expired`. */
export const requireFormToken = (
  { ctx, headers }: Asked,
  { form_token: token }: { form_token?: string | undefined },
  present: Present | null = null,
) => checkFormToken(ctx, headers, { token, sessionId: present?.session.id ?? null })

/** The page itself, with this status. */
export async function show<Form extends FormSchema, Data>(
  page: Pick<HostedPage<Form, Data>, 'view' | 'shownTo' | 'path'>,
  asked: Asked,
  data: Data,
  { status, wrong }: { status: number; wrong: Wrong },
): Promise<Response> {
  const { c, ctx, headers, flow } = asked
  const present = page.shownTo?.(data) ?? null
  const { token, cookie } = await newFormToken(ctx, headers, present?.session.id ?? null)
  const { tag, texts } = languageOf(c.req)
  const screen: Screen = {
    texts,
    tag,
    flow,
    siteKey: ctx.tenant.turnstile,
    formToken: token,
    action: `${pathIn(c, page)}${queryOf(flow)}`,
    to: (path) => `${path}${queryOf(flow)}`,
    typed: (name) => ctx.posted.get(name),
    posted: (name) => ctx.posted.get(name),
    wrongWith: (name) => wrong.fields[name] ?? null,
    alert: wrong.alert ?? (flow.error !== undefined && c.req.method === 'GET' ? texts.providerFailed : null),
  }
  const response = await framed(asked, await page.view(screen, data), {
    status,
    screen,
    isSignedIn: present !== null,
  })
  if (cookie !== null) response.headers.append('set-cookie', cookie)
  return response
}

/** The page's own path: it may be shown in place of another. */
const pathIn = (c: PageContext, { path }: { path: string }) =>
  path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(c.req.param(name) ?? ''))

async function framed(
  { c, flow }: Asked,
  view: View,
  { status, screen, isSignedIn }: { status: number; screen: Screen; isSignedIn: boolean },
): Promise<Response> {
  const { renderFrame } = await import('./views/layout.tsx')
  const { SignOut, Languages } = await import('./views/frame-parts.tsx')
  const html = renderFrame({
    tag: screen.tag,
    heading: view.heading,
    tenant: c.var.ctx.tenant,
    content: view.content,
    hasScript: true,
    asksHuman: view.asksHuman ?? false,
    isWide: view.isWide ?? false,
    nav: view.nav ?? null,
    top: isSignedIn ? SignOut({ screen }) : null,
    foot: Languages({
      tag: screen.tag,
      languages: LANGUAGES,
      addressIn: (tag) => `${c.req.path}${queryOf(flow, { ui_locales: tag })}`,
    }),
  })
  return new Response(html, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-language': screen.tag,
      'content-security-policy': await pagePolicy({
        ...c.var.ctx.tenant,
        hasScript: true,
        asksHuman: view.asksHuman ?? false,
        leadsTo: returnSource(flow),
      }),
    },
  })
}

/** Where a person comes back to who is led away: a page of their account or of the console to itself. */
export const returnTo = ({ c, flow }: Pick<Asked, 'c' | 'flow'>): string | undefined => {
  const { pathname, searchParams } = new URL(c.req.url)
  if (pathname.startsWith('/account')) return pathname
  if (!pathname.startsWith('/console')) return flow.return_to
  const own = [...searchParams].filter(([name, value]) => value !== '' && !(name in FlowQuery.entries))
  const asked = c.req.method === 'GET' && own.length > 0 ? `?${new URLSearchParams(own)}` : ''
  return isOwnPath(pathname + asked) ? pathname + asked : pathname
}

/** The form again, with what is wrong. What was read before is read once more: it may be what has changed. */
const showAgain =
  <Form extends FormSchema, Data>(page: HostedPage<Form, Data>): MiddlewareHandler<Env> =>
  async (c, next) => {
    await next()
    if (!isProblem(c.res) || c.res.status >= 500) return
    const problem: Problem = await c.res.clone().json() // of problemResponse, which makes no other
    if (WITHOUT_FORM.includes(problem.code)) return
    const { ctx } = c.var
    const flow = v.safeParse(FlowQuery, c.req.query())
    if (!flow.success) return
    const asked = { c, ctx, headers: c.req.raw.headers, flow: flow.output }
    if (problem.code === 'insufficient_user_authentication') {
      c.res = seeOther(`/step-up${queryOf(asked.flow, { return_to: returnTo(asked) })}`)
      return
    }
    const data = await page.load(asked)
    if (isRefusal(data)) return
    if (data instanceof Response) {
      c.res = data
      return
    }
    const { texts } = languageOf(c.req)
    const wrong = wordsOf(problem, { fields: namesOf(page.form), alerts: page.alerts?.(texts) ?? {} }, texts)
    c.res = await show(page, asked, data, { status: c.res.status, wrong })
  }

/** There is no form to show again, or it must not be. */
const WITHOUT_FORM = ['unknown_host', 'origin_not_allowed', 'invalid_caller']

const namesOf = (form: FormSchema): string[] =>
  'entries' in form && typeof form.entries === 'object' && form.entries !== null
    ? Object.keys(form.entries)
    : []
