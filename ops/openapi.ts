/**
 * The OpenAPI 3.1 document, from the descriptions of the operations: `npm run docs` writes it to src/contract/openapi.txt,
 * which the Worker `discovery` serves as /openapi.json. A test holds the file to the code.
 *   node ops/openapi.ts            prints it
 */
import { globSync, readFileSync } from 'node:fs'
import type { GenericSchema } from 'valibot'
import type { Answer, Description } from '../src/description.ts'
import { CATALOGUE, type ProblemCode } from '../src/problem.ts'
import { exampleOf } from './openapi-examples.ts'
import { policyOf, problemsOf } from './openapi-refusals.ts'
import { componentSchemas, type JsonSchema, loadComponents, schemaOf } from './openapi-schemas.ts'
import { ALL_IN_ONE, loadWorker, readWorkers } from './routes.ts'

export const DOCUMENT = 'src/contract/openapi.txt'

/** A schema as a document has it, with an example. */
type Media = (schema: GenericSchema) => { schema: JsonSchema; example: unknown }

type Described = { worker: string; operation: Description }

/** Every operation that describes itself, with the Worker that answers it. */
export async function readOperations(): Promise<Described[]> {
  const found: Described[] = []
  for (const [worker, { main }] of readWorkers()) {
    if (worker === ALL_IN_ONE || main === undefined) continue
    const { operations } = await loadWorker(main)
    for (const operation of operations) if ('id' in operation) found.push({ worker, operation })
  }
  return found
}

export async function renderOpenApi(): Promise<string> {
  const operations = await readOperations()
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  const components = await loadComponents()
  const shared = componentSchemas(components)
  const media: Media = (schema) => {
    const converted = schemaOf(schema, components)
    return { schema: converted, example: exampleOf(converted, shared) }
  }
  const paths: Record<string, Record<string, unknown>> = {}
  for (const described of operations) {
    const path = described.operation.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [described.operation.method.toLowerCase()]: describe(described, media) }
  }
  const responses = responsesOf(operations)
  const used = JSON.stringify([paths, responses])
  const headers = Object.entries(HEADERS).filter(([name]) => used.includes(`headers/${name}"`))
  const document = {
    openapi: '3.1.1',
    info: {
      title: 'Latchkey',
      version,
      summary: 'Authentication as edge functions, for your own accounts.',
      description:
        'Every refusal is `application/problem+json` (RFC 9457) with a stable `code`. Members may be added to answers; what is here stays.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      { url: '/', description: 'The host that serves this document: a tenant has hosts of its own.' },
    ],
    tags: tagsOf(operations),
    paths,
    components: {
      schemas: { ...shared, Problem: PROBLEM },
      responses,
      headers: Object.fromEntries(headers),
      securitySchemes: SECURITY_SCHEMES,
    },
  }
  return `${JSON.stringify(document, null, 1)}\n`
}

const tagsOf = (operations: Described[]) =>
  [...new Set(operations.map(({ worker }) => worker))].map((name) => ({
    name,
    description: headOf(`src/workers/${name}.ts`),
  }))

function describe({ worker, operation }: Described, media: Media) {
  const {
    id,
    body,
    bodyIsOptional,
    answers,
    caller,
    stepUp = false,
    idempotencyKey = false,
    budget,
  } = operation
  const words = headOf(fileOf(id)).replace(/^.*? — /, '')
  const policy = policyOf(operation)
  return {
    operationId: id,
    tags: [worker],
    summary: summaryOf(words),
    description: words,
    ...(body && {
      requestBody: {
        required: !bodyIsOptional,
        content: { 'application/json': media(body) },
      },
    }),
    parameters: parametersOf(operation),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          answerOf(operation, status, answer, media),
        ]),
      ),
      ...refusalsOf(operation),
    },
    security: SECURITY[id === 'logout' ? 'logout' : caller],
    'x-latchkey': {
      worker,
      caller,
      stepUp,
      idempotencyKey,
      limits: { row: operation.limits ?? id, ...policy },
      budget,
    },
  }
}

const fileOf = (id: string): string => {
  const kebab = id.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const [file] = globSync(`src/*/${kebab}.{route,page}.ts`)
  if (file === undefined) throw new Error(`${id} has no file`)
  return file
}

/** The comment at the top of a file. */
function headOf(file: string): string {
  const head = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(file, 'utf8'))?.[1] ?? ''
  return head.replaceAll(/\n \* ?/g, ' ').trim()
}

/** The first sentence, or what stands before its first turn. */
const summaryOf = (words: string): string => {
  const first = words.split(/[.;:](?:\s|$)/)[0] ?? words
  return first.charAt(0).toUpperCase() + first.slice(1)
}

function answerOf(operation: Description, status: string, answer: Answer, media: Media) {
  const contents = answer === null ? {} : 'kind' in answer ? { 'application/json': answer } : answer
  const own = Object.entries(contents).map(([type, schema]) => [type, media(schema)])
  const refused = byStatus(operation).get(Number(status) as 503) // whichever status it is
  const content = { ...Object.fromEntries(own), ...(refused && problemContent(refused)) }
  const names = (operation.answerHeaders ?? []).map((name) => HEADER_NAMES[name])
  return {
    description: STATUSES[status] ?? 'Done.',
    headers: headersOf([...names, 'X-Request-Id']),
    ...(Object.keys(content).length > 0 && { content }),
  }
}

const STATUSES: Record<string, string> = {
  200: 'Done.',
  201: 'Made.',
  202: 'Taken on.',
  204: 'Done; there is nothing to say.',
  303: 'It is elsewhere.',
  503: 'A part that this needs failed.',
}

function parametersOf({ path, query, idempotencyKey }: Description) {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', format: 'uuid' },
  }))
  const { properties = {}, required = [] } = query ? schemaOf(query, {}) : {}
  const inQuery = Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name) && !(typeof schema === 'object' && 'default' in schema),
    schema,
  }))
  return [...inPath, ...inQuery, ...(idempotencyKey ? [IDEMPOTENCY_KEY] : [])]
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'A UUID: a repeat within 24 hours gets the first answer, and nothing is done twice.',
  schema: { type: 'string', minLength: 16, maxLength: 255 },
}

/** Refusals of one status, together. Where the operation answers that status itself, either may come. */
function refusalsOf(operation: Description): Record<string, unknown> {
  return Object.fromEntries(
    [...byStatus(operation)].flatMap(([status, codes]) =>
      operation.answers[status] === undefined
        ? [[status, { $ref: `#/components/responses/${nameOf(codes)}` }]]
        : [],
    ),
  )
}

const byStatus = (operation: Description) =>
  Map.groupBy(problemsOf(operation), (code) => CATALOGUE[code].status)

const nameOf = (codes: ProblemCode[]): string =>
  codes
    .map((code) => code.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()))
    .join('Or')

function responsesOf(operations: Described[]): Record<string, unknown> {
  const all = operations.flatMap(({ operation }) => [...byStatus(operation).values()])
  return Object.fromEntries(all.map((codes) => [nameOf(codes), refusalResponse(codes)]))
}

function refusalResponse(codes: ProblemCode[]) {
  const [first] = codes
  const status = first ? CATALOGUE[first].status : 500
  return {
    description: codes.map((code) => `\`${code}\`: ${CATALOGUE[code].title}`).join('. '),
    headers: headersOf([...(HEADERS_OF_STATUS[status] ?? []), 'X-Request-Id']),
    content: problemContent(codes),
  }
}

const problemContent = (codes: ProblemCode[]) => ({
  'application/problem+json': {
    schema: { $ref: '#/components/schemas/Problem', properties: { code: { enum: codes } } },
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

const HEADERS = {
  'X-Request-Id': header('What the log of the service is searched by.'),
  'WWW-Authenticate': header('The challenge (RFC 6750, RFC 9470).'),
  'Retry-After': header('Seconds until another attempt makes sense.', 'integer'),
  RateLimit: header(
    'The limit that is reached, and when there is room again (draft-ietf-httpapi-ratelimit-headers).',
  ),
  'RateLimit-Policy': header('The limit itself.'),
  'Set-Cookie': header('`__Host-` cookies: HttpOnly, Secure, SameSite=Lax.'),
  Location: header('Where it is.'),
  'Content-Disposition': header('The name to save it under.'),
  'Content-Language': header('The language of the page.'),
}

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457.',
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Stable: what a program decides by.' },
    detail: { type: 'string' },
    request_id: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          pointer: { type: 'string', description: 'RFC 6901, into the body; `/name` of a query parameter.' },
          code: { type: 'string' },
          detail: { type: 'string' },
        },
        required: ['pointer', 'code'],
      },
    },
  },
  required: ['type', 'title', 'status', 'code', 'request_id'],
}

const SECURITY_SCHEMES = {
  accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'RFC 9068, ten minutes.' },
  refreshCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-latchkey',
    description: 'The refresh token of a browser; a program sends it in the body.',
  },
}

const SECURITY = {
  anyone: [{}],
  session: [{ refreshCookie: [] }, {}],
  logout: [{ refreshCookie: [] }, { accessToken: [] }, {}],
  user: [{ accessToken: [] }],
  admin: [{ accessToken: [] }],
}

if (import.meta.main) process.stdout.write(await renderOpenApi())
