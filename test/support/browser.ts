/** A browser as far as the pages need one: opens a mailed link, sees what is there, and posts the form as it stands. */

import { randomAddress } from './client.ts'
import type { DirectInit } from './direct.ts'
import { flat, shownText, type Tree, treeOf } from './mail-parts.ts'
import type { Service, TestTenant } from './service.ts'

export const PAGES = [
  { path: '/link/verify-email', purpose: 'verify_email', fields: ['password', 'new_password'] },
  { path: '/link/reset-password', purpose: 'reset_password', fields: ['password'] },
  { path: '/link/change-email', purpose: 'change_email_old', fields: [] },
  { path: '/link/revert-email', purpose: 'revert_email', fields: [] },
  { path: '/link/sign-in', purpose: 'sign_in', fields: [] },
  { path: '/link/restore-account', purpose: 'restore_account', fields: [] },
  { path: '/link/accept-invitation', purpose: 'invitation', fields: ['name', 'password'] },
] as const

export type Opened = {
  status: number
  headers: Headers
  html: string
  /** Every element, in document order. */
  elements: Tree[]
  /** All that the page says, on one line. */
  text: string
  heading: string
  /** What is announced at once: why it did not work. */
  alert: string | null
  /** What the form would post before anyone types. */
  form: { action: string; fields: Record<string, string> } | null
}

export type Browser = ReturnType<typeof createBrowser>

/** @param headers sent with everything, e.g. a cookie or a language */
export function createBrowser(
  service: Pick<Service, 'fetch'>,
  { origin }: TestTenant,
  { headers = {}, address = randomAddress() }: { headers?: Record<string, string>; address?: string } = {},
) {
  const ask = async (path: string, init: DirectInit = {}) =>
    read(
      await service.fetch(`${origin}${path}`, {
        ...init,
        headers: { 'cf-connecting-ip': address, ...headers, ...init.headers },
      }),
    )

  const open = (path: string, more: Record<string, string> = {}) => ask(path, { headers: more })

  /** As a browser posts a form of a page that sends no referrer (Fetch, "append a request `Origin` header"). */
  const post = (path: string, body: string | Record<string, string>, more: Record<string, string> = {}) =>
    ask(path, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'null',
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        ...more,
      },
      body: typeof body === 'string' ? body : new URLSearchParams(body).toString(),
    })

  /** Fills the form of a page that was opened, and presses its button. */
  async function submit({ form }: Opened, typed: Record<string, string> = {}): Promise<Opened> {
    if (!form) throw new Error('the page has no form')
    return post(form.action, { ...form.fields, ...typed })
  }

  return { ask, open, post, submit }
}

async function read(response: Response): Promise<Opened> {
  const html = await response.text()
  const elements = html === '' ? [] : flat(treeOf(html))
  return {
    status: response.status,
    headers: response.headers,
    html,
    elements,
    text: html === '' ? '' : shownText(html).replace(/\s+/g, ' ').trim(),
    heading: textOf(html, 'h1') ?? '',
    alert: textOf(html, 'p role="alert"'),
    form: formOf(elements),
  }
}

function formOf(elements: Tree[]): Opened['form'] {
  const form = elements.find(({ tag }) => tag === 'form')
  if (!form) return null
  const inputs = flat(form.children).filter(({ tag }) => tag === 'input')
  const fields = inputs.map(({ attributes: { name = '', value = '' } }) => [name, value])
  return { action: form.attributes.action ?? '', fields: Object.fromEntries(fields) }
}

/** The text of the first element that begins so, with its entities read. */
function textOf(html: string, opening: string): string | null {
  const [tag = ''] = opening.split(' ')
  const inside = new RegExp(`<${opening}>(.*?)</${tag}>`, 's').exec(html)?.[1]
  return inside === undefined ? null : shownText(inside).trim()
}
