/**
 * What a product sends a person here with, and where they go on afterwards. It stays in the address of every page on the way,
 * holds no secret, and counts only where the tenant lists it (social/redirects.ts).
 */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import type { Refusal } from '../problem.ts'
import { checkRedirect, OWN_PAGE } from '../social/redirects.ts'
import { StartFields } from '../social/start.ts'
import type { Tenant } from '../tenants/tenants.ts'

/** Our own pages that a person is led back to. */
export const isOwnPath = (path: string): boolean => OWN_PAGE.test(path)
const OwnPath = v.pipe(v.string(), v.check(isOwnPath, 'not_allowed'))

export const FlowQuery = v.object({
  /** Where the product wants the person back: one of the tenant's `redirect_uris`, exactly. */
  redirect_uri: v.optional(StartFields.redirect_uri),
  app_state: StartFields.app_state,
  code_challenge: StartFields.code_challenge,
  /** The address to fill in. */
  login_hint: v.optional(text(320)),
  /** Languages in the order of preference (OpenID Connect Core §3.1.2.1), before what the browser prefers. */
  ui_locales: v.optional(text(200)),
  /** `login`: asks for a sign-in also where someone is signed in. `create`: begins with an account. */
  prompt: v.optional(v.picklist(['login', 'create'])),
  return_to: v.optional(OwnPath),
  /** Why a provider sent no one in, and whether an account there was linked (social/redirects.ts). */
  error: v.optional(v.pipe(v.string(), v.regex(/^[a-z_]{1,40}$/))),
  linked: v.optional(v.literal('true')),
  /** What was done on the page before. */
  done: v.optional(v.pipe(v.string(), v.regex(/^[a-z_]{1,40}$/))),
})
export type Flow = v.InferOutput<typeof FlowQuery>

/** What goes on to the next page. */
const KEPT = ['redirect_uri', 'app_state', 'code_challenge', 'login_hint', 'ui_locales', 'return_to'] as const

/** `?redirect_uri=…`, or nothing. @param change in place of what was asked; undefined leaves it out */
export function queryOf(flow: Flow, change: Partial<Record<keyof Flow, string | undefined>> = {}): string {
  const kept = Object.fromEntries(KEPT.map((name) => [name, flow[name]]))
  const members = Object.entries({ ...kept, ...change }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  )
  return members.length === 0 ? '' : `?${new URLSearchParams(members)}`
}

/** A path that may have a query of its own, with what `queryOf` made. */
export const pathWith = (path: string, query: string): string =>
  path + (path.includes('?') ? query.replace('?', '&') : query)

/** The page of ours that a person goes back to, with what goes on; of the account, unless they were led back to one. */
export const backOf = (flow: Flow, path = flow.return_to ?? '/account'): string =>
  pathWith(path, queryOf(flow, { return_to: undefined }))

/**
 * Whether the product may be returned to as it asks: by cookies, where its page is of this site, else by a code.
 * @returns refusal `invalid_input`, or null, also where nothing is asked
 */
export function checkReturn(tenant: Tenant, ownOrigin: string, flow: Flow): Refusal | null {
  if (flow.redirect_uri === undefined) return null
  const redirect = {
    redirectUri: flow.redirect_uri,
    codeChallenge: flow.code_challenge ?? null,
    purpose: 'sign_in',
  } as const
  return checkRedirect(tenant, ownOrigin, redirect)
}

/** Of a policy: what a form that ends at the product may lead to. An origin, or the scheme of an app. */
export function returnSource(flow: Flow): string {
  const url = flow.redirect_uri === undefined ? null : URL.parse(flow.redirect_uri)
  if (url === null) return ''
  return url.origin === 'null' ? url.protocol : url.origin
}
