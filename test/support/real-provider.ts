/**
 * An OpenID Connect provider that is not ours: `oidc-provider`, certified, with the pages that it has for development. It says
 * addresses and names at its userinfo endpoint alone (OpenID Connect Core §5.4), and it wants PKCE.
 */
import { freePort, LOOPBACK, serveLocally } from '../../dev/local-server.ts'
import { CLIENT } from './identity-provider.ts'

export type RealProvider = Awaited<ReturnType<typeof startRealProvider>>

/**
 * @param callbacks where it may send browsers back to, exactly
 * @param host a name of this machine: to a browser, another one is another site
 */
export async function startRealProvider(callbacks: string[], host: string = LOOPBACK) {
  const { Provider } = await quietly(() => import('oidc-provider'))
  const port = await freePort()
  const issuer = `http://${host}:${port}`
  const provider = await quietly(
    async () =>
      new Provider(issuer, {
        clients: [
          {
            client_id: CLIENT.id,
            client_secret: CLIENT.secret,
            redirect_uris: callbacks,
            grant_types: ['authorization_code'],
            response_types: ['code'],
          },
        ],
        claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
        // Who signs in as `ada` is ada, and ada@example.com.
        findAccount: (_: unknown, sub: string) => ({
          accountId: sub,
          claims: () => ({ sub, email: `${sub}@example.com`, email_verified: true, name: `Person ${sub}` }),
        }),
        pkce: { required: () => true },
        cookies: { keys: ['only for this test'] },
        ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
      }),
  )
  const server = await serveLocally('oidc-provider', port, provider.callback())

  /**
   * A person at its pages, in one browser: signs in if asked, and agrees or declines.
   * @returns what it sends the browser back with
   */
  function newPersonAt(login: string) {
    const cookies = new Map<string, string>()

    async function visit(url: string, form?: Record<string, string>): Promise<Response> {
      const response = await fetch(url, {
        redirect: 'manual',
        method: form ? 'POST' : 'GET',
        headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(form && { body: new URLSearchParams(form) }),
      })
      for (const cookie of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
        if (value === '') cookies.delete(name)
        else cookies.set(name, value)
      }
      return response
    }

    return async function answer(
      authorizationUrl: string,
      declines = false,
    ): Promise<Record<string, string>> {
      let response = await visit(authorizationUrl)
      for (let step = 0; step < 12; step++) {
        const to = response.headers.get('location')
        if (to !== null && !new URL(to, issuer).href.startsWith(issuer))
          return Object.fromEntries(new URL(to).searchParams)
        if (to !== null) {
          response = await visit(new URL(to, issuer).href)
          continue
        }
        const page = await response.text()
        const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1]
        const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1]
        if (!action || !prompt)
          throw new Error(`the provider answered ${response.status}: ${page.slice(0, 500)}`)
        response = declines
          ? await visit(`${action}/abort`)
          : await visit(action, prompt === 'login' ? { prompt, login, password: 'any' } : { prompt })
      }
      throw new Error('the provider sends the browser round in circles')
    }
  }

  return { issuer, newPersonAt, stop: server.stop }
}

/** It warns, whenever it is loaded and made, that its development pages are on. */
async function quietly<T>(make: () => Promise<T>): Promise<T> {
  const { warn, info } = console
  console.warn = () => {}
  console.info = () => {}
  try {
    return await make()
  } finally {
    Object.assign(console, { warn, info })
  }
}
