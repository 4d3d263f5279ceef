/**
 * The OpenAPI 3.1 document, from the descriptions of the operations: `npm run docs` writes it to src/contract/openapi.txt,
 * which the Worker `discovery` serves as /openapi.json. A test holds the file to the code.
 *   node ops/openapi.ts            prints it
 */
import { globSync, readFileSync } from 'node:fs'
import type { Description } from '../src/description.ts'
import { answerOf, componentResponses, HEADERS, type Media, PROBLEM, refusalsOf } from './openapi-answers.ts'
import { exampleOf } from './openapi-examples.ts'
import { policyOf } from './openapi-refusals.ts'
import { componentSchemas, loadComponents, schemaOf } from './openapi-schemas.ts'
import { ALL_IN_ONE, loadWorker, readWorkers } from './routes.ts'

export const DOCUMENT = 'src/contract/openapi.txt'

type Described = { worker: string; operation: Description }

/** Every operation that describes itself, with the Worker that answers it. */
export async function readOperations(): Promise<Described[]> {
  const found: Described[] = []
  for (const [worker, { main }] of readWorkers()) {
    if (worker === ALL_IN_ONE || main === undefined) continue
    const { operations } = await loadWorker(main)
    for (const operation of operations) found.push({ worker, operation })
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
  const responses = componentResponses(operations.map(({ operation }) => operation))
  const used = JSON.stringify([paths, responses])
  const headers = Object.entries(HEADERS).filter(([name]) => used.includes(`headers/${name}"`))
  const document = {
    openapi: '3.1.1',
    info: {
      title: 'Latchkey',
      version,
      summary: 'Authentication as edge functions, for your own accounts.',
      description:
        'Every refusal is `application/problem+json` (RFC 9457) with a stable `code`. Members may be added to answers; existing members stay.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      { url: '/', description: 'The host that serves this document. Each tenant has its own hosts.' },
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
    form,
    formFile,
    maxBodyBytes,
    answers,
    caller,
    permission,
    takesKeys = false,
    stepUp = false,
    idempotencyKey = false,
    isPage = false,
    budget,
  } = operation
  const words = headOf(fileOf(operation)).replace(/^.*? — /, '')
  const policy = policyOf(operation)
  return {
    operationId: id,
    tags: [worker],
    summary: summaryOf(operation, words),
    description: words,
    ...(body && {
      requestBody: { required: !bodyIsOptional, content: { 'application/json': media(body) } },
    }),
    ...(form && {
      requestBody: {
        required: true,
        content: { [FORM]: media(form), ...(formFile && { 'multipart/form-data': media(form) }) },
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
    security: SECURITY[id === 'logout' ? 'logout' : takesKeys ? 'key' : caller],
    'x-latchkey': {
      worker,
      caller,
      ...(permission && { permission, takesKeys }),
      stepUp,
      idempotencyKey,
      isPage,
      ...(maxBodyBytes && { maxBodyBytes }),
      limits: { row: operation.limits ?? id, ...policy },
      budget,
    },
  }
}

function fileOf({ id, isPage }: Description): string {
  const name = isPage ? id.replace(/Page(Form)?$/, '') : id
  const kebab = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const [file] = globSync(`src/*/${kebab}.${isPage ? 'page' : 'route'}.ts`)
  if (file === undefined) throw new Error(`${id} has no file`)
  return file
}

/** The comment at the top of a file. */
function headOf(file: string): string {
  const head = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(file, 'utf8'))?.[1] ?? ''
  return head.replaceAll(/\n \* ?/g, ' ').trim()
}

const FORM = 'application/x-www-form-urlencoded'

/** The first sentence, up to its first `.`, `;` or `:`. */
function summaryOf({ isPage, method }: Description, words: string): string {
  const first = words.split(/[.;:](?:\s|$)/)[0] ?? words
  const summary = first.charAt(0).toUpperCase() + first.slice(1)
  return isPage ? `${method === 'GET' ? 'Page' : 'Form'}: ${first}` : summary
}

function parametersOf({ path, query, idempotencyKey }: Description) {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', ...(/(^|_)id$/.test(name ?? '') && { format: 'uuid' }) },
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
  description: 'A UUID. A repeat within 24 hours gets the first answer and has no further effect.',
  schema: { type: 'string', minLength: 16, maxLength: 255 },
}

const SECURITY_SCHEMES = {
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token (RFC 9068), valid for ten minutes.',
  },
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'lk_…',
    description: 'An API key that has the permission of the operation as a scope.',
  },
  refreshCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-latchkey',
    description: 'The refresh token of a browser. Other clients send it in the body.',
  },
}

const SECURITY = {
  anyone: [{}],
  session: [{ refreshCookie: [] }, {}],
  logout: [{ refreshCookie: [] }, { accessToken: [] }, {}],
  user: [{ accessToken: [] }],
  admin: [{ accessToken: [] }],
  key: [{ accessToken: [] }, { apiKey: [] }],
}

if (import.meta.main) process.stdout.write(await renderOpenApi())
