/** Public documents of the service, fetched inside a deadline and kept for a while by one verifier. */
import { TokenError } from './token-error.ts'

const DEADLINE_MS = 2000
/** More than the largest document: a status list with every second bit set is 175 KiB. */
const MAX_CHARACTERS = 1_000_000

export type Fetch = (input: string, init: RequestInit) => Promise<Response>

/** What goes on after the answer of the request, e.g. `ctx.waitUntil` of a Worker. */
export type WaitUntil = (promise: Promise<unknown>) => void

export type Ages = {
  /** Younger ones are used as they are. In milliseconds. */
  fresh: number
  /** Up to this age they are used while a new one is fetched; older ones are not used. */
  usable: number
  /** After a failure, and for what the document that is kept does not know, it is asked for no sooner than this. */
  retry: number
}

type Kept<Document> = { document: Document; fetchedAt: number }

/**
 * One document, kept. A Worker may not wait for what another request of its isolate has begun, so that there each request
 * that needs the document asks for itself; elsewhere one fetch serves all that wait.
 */
export function keep<Document>(
  url: string,
  {
    ages,
    fetch,
    now,
    parse,
  }: { ages: Ages; fetch: Fetch; now: () => number; parse: (text: string) => Promise<Document> },
) {
  let kept: Kept<Document> | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let failedAt = Number.NEGATIVE_INFINITY
  let pending: Promise<Document> | undefined

  async function ask(): Promise<Document> {
    const startedAt = now()
    askedAt = startedAt
    try {
      const document = await parse(await fetchText(fetch, url))
      kept = { document, fetchedAt: startedAt }
      return document
    } catch (error) {
      failedAt = now()
      throw error
    }
  }

  function askOnce(): Promise<Document> {
    if (isWorker()) return ask()
    pending ??= ask().finally(() => {
      pending = undefined
    })
    return pending
  }

  /** After the answer, where something waits for it: in a Worker what nothing waits for may be cut off. */
  function askLater(waitUntil: WaitUntil | undefined): boolean {
    if (!waitUntil && isWorker()) return false
    const asking = askOnce().catch(() => {})
    waitUntil?.(asking)
    return true
  }

  return {
    /** @param rejects whether the document that is kept does not do; then it is asked for anew, but not too often */
    async read(
      waitUntil?: WaitUntil,
      rejects: (document: Document) => boolean = () => false,
    ): Promise<Document> {
      const age = kept ? now() - kept.fetchedAt : Number.POSITIVE_INFINITY
      const isRecent = now() - askedAt < ages.retry
      if (kept && age < ages.usable) {
        const { document } = kept
        if (rejects(document)) return isRecent && !pending ? document : askOnce()
        if (age < ages.fresh || isRecent || askLater(waitUntil)) return document
        return askOnce().catch(() => document)
      }
      if (!pending && now() - failedAt < ages.retry)
        throw new TokenError('unavailable', `${url} could not be fetched a moment ago`)
      return askOnce()
    },
  }
}

async function fetchText(fetch: Fetch, url: string): Promise<string> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(DEADLINE_MS) })
    if (response.status !== 200) throw new Error(`answered ${response.status}`)
    const text = await response.text()
    if (text.length > MAX_CHARACTERS) throw new Error('is too long')
    return text
  } catch (error) {
    throw new TokenError('unavailable', `${url}: ${error instanceof Error ? error.message : 'failed'}`)
  }
}

const isWorker = () => globalThis.navigator?.userAgent === 'Cloudflare-Workers'
