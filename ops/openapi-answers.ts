/** The answers of an operation in the OpenAPI document: what it gives, and what it refuses, by status. */
import type { GenericSchema } from 'valibot'
import type { Answer, Description } from '../src/description.ts'
import { CATALOGUE, type ProblemCode } from '../src/problem.ts'
import { problemsOf } from './openapi-refusals.ts'
import type { JsonSchema } from './openapi-schemas.ts'

/** A schema as the document has it, with an example. */
export type Media = (schema: GenericSchema) => { schema: JsonSchema; example: unknown }

export function answerOf(operation: Description, status: string, answer: Answer, media: Media) {
  const contents = answer === null ? {} : 'kind' in answer ? { 'application/json': answer } : answer
  const own = Object.entries(contents).map(([type, schema]) => [type, media(schema)])
  const refused = byStatus(operation).get(Number(status) as 503) // whichever status it is
  const content = { ...Object.fromEntries(own), ...(refused && problemContent(refused)) }
  const names = (operation.answerHeaders ?? []).map((name) => HEADER_NAMES[name])
  return {
    description: STATUSES[status] ?? 'Success.',
    headers: headersOf([...names, 'X-Request-Id']),
    ...(Object.keys(content).length > 0 && { content }),
  }
}

const STATUSES: Record<string, string> = {
  200: 'Success.',
  201: 'Created.',
  202: 'Accepted.',
  204: 'Success, without a body.',
  303: 'See the Location header.',
  422: 'What is asked is refused; the page says why.',
  503: 'A dependency is not available.',
}

/** Refusals of one status, together. Where the operation answers that status itself, either may come. */
export function refusalsOf(operation: Description): Record<string, unknown> {
  return Object.fromEntries(
    [...byStatus(operation)].flatMap(([status, codes]) =>
      operation.answers[status] === undefined
        ? [[status, { $ref: `#/components/responses/${nameOf(codes, operation)}` }]]
        : [],
    ),
  )
}

const byStatus = (operation: Description) =>
  Map.groupBy(problemsOf(operation), (code) => CATALOGUE[code].status)

/** Of a component: `InvalidInput`, and `InvalidInputPage` where a person reads it. */
const nameOf = (codes: ProblemCode[], operation: Description): string =>
  codes
    .map((code) => code.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()))
    .join('Or') + (mayBePage(operation) ? 'Page' : '')

const mayBePage = ({ isPage, isReadByPeople }: Description) => isPage || isReadByPeople

export function componentResponses(operations: Description[]): Record<string, unknown> {
  return Object.fromEntries(
    operations.flatMap((operation) =>
      [...byStatus(operation)].map(([status, codes]) => [
        nameOf(codes, operation),
        {
          description: codes.map((code) => `- \`${code}\`: ${CATALOGUE[code].title}`).join('\n'),
          headers: headersOf([
            ...(HEADERS_OF_STATUS[status] ?? []),
            // RFC 6750 §3.1: what scope it needs.
            ...(codes.includes('insufficient_scope') ? ['WWW-Authenticate'] : []),
            // A refresh token that is dead takes its cookie along.
            ...(codes.includes('invalid_grant') ? ['Set-Cookie'] : []),
            ...(mayBePage(operation) ? ['Content-Language'] : []),
            'X-Request-Id',
          ]),
          content: { ...(mayBePage(operation) && PAGE), ...problemContent(codes) },
        },
      ]),
    ),
  )
}

/** What a person reads of it; a request that never reached its page is refused as any other. */
const PAGE = { 'text/html': { schema: { type: 'string' } } }

const problemContent = (codes: ProblemCode[]) => ({
  'application/problem+json': {
    schema: { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }] },
  },
})

const headersOf = (names: string[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

const HEADER_NAMES = {
  'set-cookie': 'Set-Cookie',
  location: 'Location',
  'content-disposition': 'Content-Disposition',
  'content-language': 'Content-Language',
} as const

const HEADERS_OF_STATUS: Record<number, string[]> = {
  401: ['WWW-Authenticate'],
  429: ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
  503: ['Retry-After'],
  504: ['Retry-After'],
}

const header = (description: string, type = 'string') => ({ description, schema: { type } })

export const HEADERS = {
  'X-Request-Id': header('The id of the request in the logs of the service.'),
  'WWW-Authenticate': header('The challenge (RFC 6750, RFC 9470).'),
  'Retry-After': header('Seconds to wait before the next attempt.', 'integer'),
  RateLimit: header(
    'The limit that was reached, and the seconds until it resets (draft-ietf-httpapi-ratelimit-headers).',
  ),
  'RateLimit-Policy': header('The limit and its window in seconds.'),
  'Set-Cookie': header('`__Host-` cookies: HttpOnly, Secure, SameSite=Lax.'),
  Location: header('The URL to go to.'),
  'Content-Disposition': header('The name of the file to save.'),
  'Content-Language': header('The language of the page.'),
}

export const PROBLEM = {
  type: 'object',
  description: 'RFC 9457.',
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Stable; programs decide by this.' },
    detail: { type: 'string' },
    request_id: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          pointer: {
            type: 'string',
            description: 'A JSON Pointer (RFC 6901) into the body, or `/name` of a query parameter.',
          },
          code: { type: 'string' },
          detail: { type: 'string' },
        },
        required: ['pointer', 'code'],
      },
    },
  },
  required: ['type', 'title', 'status', 'code', 'request_id'],
}
