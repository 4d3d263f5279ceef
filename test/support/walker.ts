/** A browser that keeps cookies and follows redirects, without a script: for journeys through the pages. */
import { createBrowser, type Opened } from './browser.ts'
import { flat } from './mail-parts.ts'
import type { Service, TestTenant } from './service.ts'

export type Walker = ReturnType<typeof createWalker>

export function createWalker(service: Pick<Service, 'fetch'>, tenant: TestTenant, language = 'en') {
  const cookies = new Map<string, string>()
  const browser = createBrowser(service, tenant)
  const sent = () => ({
    cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    'accept-language': language,
  })
  const keep = (opened: Opened) => {
    for (const text of opened.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? []
      if (/Max-Age=0/.test(text)) cookies.delete(name)
      else cookies.set(name, value)
    }
    return opened
  }
  const open = async (path: string): Promise<Opened> => follow(keep(await browser.open(path, sent())))
  const post = async (path: string, fields: Record<string, string>) =>
    keep(await browser.post(path, fields, sent()))
  /** Where a redirect stays on this host; one that leads elsewhere is handed over. */
  async function follow(opened: Opened): Promise<Opened> {
    const to = opened.headers.get('location')
    return to?.startsWith('/') ? open(to) : opened
  }
  /** Fills in the form of a page that posts to `path` (the first one, unless given), and presses its button. */
  async function submit(page: Opened, typed: Record<string, string>, path?: string): Promise<Opened> {
    const forms = page.elements.filter(({ tag }) => tag === 'form')
    const at = ({ attributes: { action = '' } }: (typeof forms)[number]) => action.split('?')[0]
    const form = forms.find((one) => (path === undefined ? at(one) !== '/sign-out' : at(one) === path))
    if (!form) throw new Error(`the page "${page.heading}" (${page.status}) has no such form: ${page.text}`)
    const inputs = flat(form.children).filter(({ tag }) => tag === 'input')
    const fields = inputs.map(({ attributes: { name = '', value = '' } }) => [name, value])
    return post(form.attributes.action ?? '', { ...Object.fromEntries(fields), ...typed })
  }
  const walk = async (page: Opened, typed: Record<string, string> = {}, path?: string) =>
    follow(await submit(page, typed, path))
  return { open, post, submit, walk, follow, cookies }
}
