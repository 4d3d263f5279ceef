/** Reads `Authorization: Bearer …` (RFC 6750 §2.1): one header, one token, one space; nothing else counts as a token. */
import { type Refusal, refuse } from '../problem.ts'

/** @returns the token's text, unverified; refusals `missing_token`, `invalid_token`, `invalid_request` (given twice) */
export function readBearer(headers: Headers): string | Refusal {
  const value = headers.get('authorization')
  if (value === null) return refuse('missing_token')
  // Fetch joins repeated headers with a comma, which no token68 contains.
  if (value.includes(','))
    return refuse('invalid_request', { detail: 'The Authorization header was sent more than once.' })
  const token = /^bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(value)?.[1]
  return token ?? refuse('invalid_token')
}
