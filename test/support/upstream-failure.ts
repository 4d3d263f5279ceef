/**
 * What Neon and Upstash answer when they fail themselves, at their most talkative: with the caller's own credentials
 * and command in the text, so that a test can check that none of it reaches a client or a log.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

export type Upstream = 'neon' | 'upstash'

export type Answer = { status: number; headers: OutgoingHttpHeaders; body: Buffer }

/** Is in every answer of `error-500`, and nowhere else. */
export const LEAKED_SECRET = 'npg_k3yTh4tMustN0tLe4k'

export function failureOf(upstream: Upstream, headers: IncomingHttpHeaders, body: string): Answer {
  const failure = upstream === 'neon' ? neonFailure(headers, body) : upstashFailure(headers, body)
  return {
    status: 500,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(failure)),
  }
}

/** What Neon's proxy says when it does not let us ask the database: HTTP 400 and no SQLSTATE. */
export function refusalOf(message: string, headers: IncomingHttpHeaders, body: string): Answer {
  return {
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(neonFailure(headers, body, message))),
  }
}

/** neondatabase/neon issue 11975 has such an answer; its `detail` is null there. */
function neonFailure(headers: IncomingHttpHeaders, body: string, message = 'Control plane request failed') {
  const caller = headers['neon-connection-string'] ?? ''
  const compute = `postgresql://cloud_admin:${LEAKED_SECRET}@10.12.3.4:5432/postgres`
  return {
    message,
    code: '',
    detail: `could not wake compute ${compute} for ${caller}`,
    hint: null,
    position: null,
    internalPosition: null,
    internalQuery: body,
    severity: '',
    where: null,
    table: null,
    column: null,
    schema: null,
    dataType: null,
    constraint: null,
    file: null,
    line: null,
    routine: null,
  }
}

function upstashFailure(headers: IncomingHttpHeaders, body: string) {
  const replica = `rediss://default:${LEAKED_SECRET}@10.12.3.5:6379`
  const caller = headers.authorization ?? ''
  return { error: `ERR internal error: ${replica} is gone (authorization: ${caller}), command was: ${body}` }
}
