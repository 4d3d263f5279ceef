/**
 * Keeps a person signed in: it has an access token at hand, and refreshes it before it expires, once however many ask. In a
 * browser the refresh token is in a cookie that no script can read; tabs take turns (Web Locks) and hand on what they got.
 */

export type SessionOptions = {
  /** The tenant's issuer. */
  issuer: string
  /**
   * A refresh token of your own, e.g. of a server or of a native app. Without it the cookie of the browser is used.
   * `save` is called with each successor, before the access token is given out.
   */
  refreshToken?: { load(): Promise<string | null>; save(token: string): Promise<void> }
  fetch?: (input: string, init: RequestInit) => Promise<Response>
  /** Milliseconds since 1970. */
  now?: () => number
}

export type Session = {
  /** @returns an access token that is good for half a minute at least; null when no one is signed in */
  getAccessToken(): Promise<string | null>
  /** What a sign-in answered, so that the first call need not refresh. */
  use(tokens: { access_token: string; expires_in: number }): void
  /** Forgets the access token, e.g. after a 401 of your API: the next call refreshes. */
  forget(): void
}

/** Of an access token, not to be given out any more. */
const SPARE_MS = 30_000

type Held = { token: string; expiresAt: number }

/** @throws Error when the service cannot be reached or does not answer as it should; the person is not signed out by that */
export function createSession(options: SessionOptions): Session {
  const { issuer, refreshToken, now = Date.now } = options
  const fetch = options.fetch ?? ((input: string, init: RequestInit) => globalThis.fetch(input, init))
  const name = `latchkey ${issuer}`
  const tabs = refreshToken || typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(name)
  let held: Held | null = null
  let pending: Promise<string | null> | null = null

  const isGood = (one: Held | null): one is Held => one !== null && one.expiresAt - SPARE_MS > now()
  tabs?.addEventListener('message', (event) => {
    const { data: handed } = event as Event & { data: Held } // only `hold` posts here
    if (isGood(handed)) held = handed
  })
  // Node would wait for messages for ever.
  ;(tabs as { unref?(): void } | null)?.unref?.()

  async function refresh(): Promise<string | null> {
    // Another tab may have done it while this one waited for its turn.
    if (isGood(held)) return held.token
    const own = refreshToken ? await refreshToken.load() : undefined
    if (own === null) return null
    const response = await fetch(new URL('/v1/refresh', issuer).href, {
      method: 'POST',
      credentials: refreshToken ? 'omit' : 'include',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(own === undefined ? {} : { refresh_token: own }),
    })
    if (response.status === 401) return null
    if (!response.ok) throw new Error(`the refresh was answered ${response.status}`)
    const answer = (await response.json()) as {
      access_token: string
      expires_in: number
      refresh_token?: string
    }
    if (answer.refresh_token !== undefined) await refreshToken?.save(answer.refresh_token)
    return hold(answer).token
  }

  function hold({
    access_token: token,
    expires_in: seconds,
  }: {
    access_token: string
    expires_in: number
  }): Held {
    held = { token, expiresAt: now() + seconds * 1000 }
    tabs?.postMessage(held)
    return held
  }

  const inTurn = (work: () => Promise<string | null>): Promise<string | null> => {
    const locks = tabs && globalThis.navigator?.locks
    return locks ? locks.request(name, work) : work()
  }

  return {
    async getAccessToken() {
      if (isGood(held)) return held.token
      pending ??= inTurn(refresh).finally(() => {
        pending = null
      })
      return pending
    },
    use(tokens) {
      hold(tokens)
    },
    forget() {
      held = null
    },
  }
}
