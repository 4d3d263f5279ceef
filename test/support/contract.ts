/**
 * Every answer that a test sees, held to the OpenAPI document: its status, its media type, its body, the code of a refusal,
 * and the headers that an answer may only carry where the document says so. What a document leaves open to the future is
 * closed here: a member that it does not name fails too.
 */
import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { DOCUMENT } from '../../ops/openapi.ts'
import { textOf } from './direct.ts'

type Content = Record<string, { schema?: object }>
type Response_ = { content?: Content; headers?: Record<string, unknown> }
type Operation = { operationId: string; responses: Record<string, Response_ | { $ref: string }> }

const document: {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object>; responses: Record<string, Response_> }
} = JSON.parse(readFileSync(DOCUMENT, 'utf8'))

/** What an answer carries only where its operation says so. */
const DECLARED = ['set-cookie', 'location', 'content-disposition', 'content-language']

const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)
ajv.addSchema(closed({ $id: 'document', components: { schemas: document.components.schemas } }))
/** By the schema itself, and by its text. */
const compiled = new Map<object | string, ValidateFunction>()

const paths = Object.keys(document.paths).map((path) => ({
  path,
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}))

/** @throws with the operation, and what of its answer the document does not know */
export async function holdToContract(method: string, url: string, response: Response): Promise<void> {
  const wrong = await faultsOf(method.toUpperCase(), new URL(url).pathname, response)
  if (wrong !== null)
    throw new Error(
      `${method} ${new URL(url).pathname} ${wrong}, which ${DOCUMENT} does not know. Say it in the operation and run \`npm run docs\`.`,
    )
}

async function faultsOf(method: string, pathname: string, response: Response): Promise<string | null> {
  const { status, headers } = response
  const operation = operationOf(method, pathname)
  if (!operation) return isUnrouted(method, status) ? null : `answered ${status}`
  const described = operation.responses[status]
  const type = (headers.get('content-type') ?? '').split(';')[0] ?? ''
  const text = isStream(headers) || method === 'HEAD' ? null : await textOf(response)
  const said = `answered ${status} ${text?.slice(0, 200) ?? ''}`
  if (!described) return said
  const found =
    '$ref' in described ? document.components.responses[described.$ref.split('/').at(-1) ?? ''] : described
  const { content = {}, headers: declared = {} } = found ?? {}
  const names = Object.keys(declared).map((name) => name.toLowerCase())
  const undeclared = DECLARED.find((name) => headers.has(name) && !names.includes(name))
  if (undeclared) return `answered ${status} with the header ${undeclared}`
  if (Object.keys(content).length === 0) return text ? said : null
  if (!content[type]) return `answered ${status} as ${type || 'nothing'}`
  if (text === null || !type.endsWith('json')) return null
  const validate = validatorOf(content[type].schema ?? {})
  return validate(JSON.parse(text)) ? null : `${said}: ${wordsOf(validate)}`
}

/** `/user must NOT have unevaluated properties (unevaluatedProperty: phone)` */
const wordsOf = ({ errors }: ValidateFunction) =>
  (errors ?? [])
    .map(({ instancePath, message, params }) => {
      const what = Object.entries(params).map(([name, value]) => `${name}: ${value}`)
      return `${instancePath} ${message} (${what.join(', ')})`.trim()
    })
    .join('; ')

/** What a path answers that takes no such method, or is none. */
const isUnrouted = (method: string, status: number) =>
  status >= 400 || (method === 'OPTIONS' && status === 204)

/** What is read as it comes, or not to its end, is not read here before. */
const isStream = (headers: Headers) =>
  headers.has('content-disposition') || headers.get('content-type') === 'application/x-ndjson'

function operationOf(method: string, pathname: string): Operation | undefined {
  const { path } =
    paths.find(({ path }) => path === pathname) ?? paths.find(({ pattern }) => pattern.test(pathname)) ?? {}
  return path === undefined
    ? undefined
    : document.paths[path]?.[method === 'HEAD' ? 'get' : method.toLowerCase()]
}

/** One for all answers that are described alike: of 2,143 in the document 150 differ, and each takes ajv some milliseconds. */
function validatorOf(schema: object): ValidateFunction {
  const known = compiled.get(schema)
  if (known) return known
  const text = JSON.stringify(schema)
  const validate = compiled.get(text) ?? ajv.compile(closed(schema))
  compiled.set(schema, validate).set(text, validate)
  return validate
}

/** The schema, without room for members that it does not name. */
function closed(schema: object): object {
  const text = JSON.stringify(schema, (_, part) =>
    typeof part === 'object' && part !== null && isObjectOf(part)
      ? { ...part, unevaluatedProperties: false }
      : part,
  )
  return JSON.parse(text.replaceAll('"#/components/', '"document#/components/'))
}

function isObjectOf(part: object): boolean {
  return (
    'properties' in part &&
    'type' in part &&
    !('additionalProperties' in part) &&
    !('unevaluatedProperties' in part)
  )
}
