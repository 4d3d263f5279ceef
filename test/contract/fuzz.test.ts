/**
 * Every operation with input that the document calls valid, and with input that is one fault off. No answer is a 5xx, what
 * is one fault off is refused, and every answer is one that the document knows (test/support/contract.ts holds them all to
 * it). Seeded: a failure repeats, and fast-check shrinks it.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVERY_OPERATION, type OperationUnderTest } from '../operations.ts'
import { type CallOptions, type Client, createClient, newClient, type Tokens } from '../support/client.ts'
import { useLentService } from '../support/service.ts'
import { arbitraryOf } from './arbitrary.ts'

const SEED = 20_261_127

// What is counted is not what this is about.
const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

type Fields = Record<string, unknown>
type Call = { path: string; options: CallOptions; client: Client }
/** A caller, and the call that they would make. */
type Stage = { operation: OperationUnderTest; client: Client; tokens: Tokens; other: Tokens; fields: Fields }

const JSON_OPERATIONS = EVERY_OPERATION.filter(({ isPage }) => !isPage)
const CASES = JSON_OPERATIONS.map((operation) => [operation.id, operation] as const)

async function newStage(operation: OperationUnderTest): Promise<Omit<Stage, 'fields'>> {
  const client = await newClient(service())
  const { tokens } = operation.caller === 'admin' ? await client.newAdmin() : await client.newAccount()
  const { tokens: other } = await client.newAccount()
  return { operation, client, tokens, other }
}

function callOf({ operation, client, tokens, fields }: Stage): Call {
  const { method, path, caller, hasBody } = operation
  const options: CallOptions = {
    method,
    ...(/^(user|admin)$/.test(caller) && { bearer: tokens.access_token }),
    ...(hasBody && { json: fields }),
    headers: operation.headers({
      id: '',
      token: '',
      code: '',
      cookie: `__Host-latchkey-challenge=${'A'.repeat(43)}`,
    }),
  }
  return { path: path.replaceAll(/:\w+/g, tokens.session.id), options, client }
}

/** The example of the document, with or without what may be absent. */
function validFields(
  { bodySchema, required, input }: OperationUnderTest,
  tokens: Tokens,
): fc.Arbitrary<Fields> {
  const example = input(tokens)
  const properties = Object.entries(bodySchema.properties ?? {})
  const record = Object.fromEntries(
    properties.map(([name, schema]) => [
      name,
      name in example ? fc.constant(example[name]) : arbitraryOf(schema, name),
    ]),
  )
  const absent = properties.map(([name]) => name).filter((name) => !required.includes(name))
  // Two that exclude each other, or nothing at all, are for the rules to refuse: the document cannot say it.
  return fc.record(record, {
    requiredKeys: properties.map(([name]) => name).filter((name) => !absent.includes(name)),
  })
}

const send = ({ client, path, options }: Call) => client.call(path, options)

describe.each(CASES)('%s', { timeout: 120_000 }, (_, operation) => {
  test('answers what the document promises to valid input', async () => {
    const stage = await newStage(operation)
    await fc.assert(
      fc.asyncProperty(validFields(operation, stage.tokens), validQuery(operation), async (fields, query) => {
        const call = callOf({ ...stage, fields })
        const { status } = await send({ ...call, path: `${call.path}${query}` })
        expect(status).toBeLessThan(500)
      }),
      { numRuns: operation.hasBody || operation.query.length > 0 ? 6 : 1, seed: SEED },
    )
  })

  test('refuses input that is one fault off', async () => {
    const stage = await newStage(operation)
    const faults = FAULTS.filter(({ fits }) => fits(operation))
    await fc.assert(
      fc.asyncProperty(
        validFields(operation, stage.tokens),
        fc.constantFrom(...faults),
        fc.nat(),
        async (fields, fault, seed) => {
          const { status } = await send(fault.make(callOf({ ...stage, fields }), { ...stage, fields }, seed))
          expect(status, fault.title).toBeGreaterThanOrEqual(400)
          expect(status, fault.title).toBeLessThan(500)
        },
      ),
      { numRuns: 12, seed: SEED },
    )
  })
})

/** `?limit=3&cursor=x`, each parameter there or not. */
function validQuery({ query }: OperationUnderTest): fc.Arbitrary<string> {
  const record = Object.fromEntries(query.map(({ name, schema }) => [name, arbitraryOf(schema, name)]))
  return fc
    .record(record, { requiredKeys: [] })
    .map((given) => new URLSearchParams(given as Record<string, string>).toString())
    .map((text) => (text === '' ? '' : `?${text}`))
}

type Fault = {
  title: string
  fits(operation: OperationUnderTest): boolean
  make(call: Call, stage: Stage, seed: number): Call
}

const hasBody = ({ hasBody }: OperationUnderTest) => hasBody
const needsBody = ({ hasBody, bodyIsOptional }: OperationUnderTest) => hasBody && !bodyIsOptional
const isBearer = ({ caller }: OperationUnderTest) => caller === 'user' || caller === 'admin'
const withJson = (call: Call, json: unknown): Call => ({ ...call, options: { ...call.options, json } })
const withText = (
  { options: { json: _, ...options }, ...call }: Call,
  body: string,
  type = 'application/json',
): Call => ({
  ...call,
  options: { ...options, body, headers: { ...options.headers, 'content-type': type } },
})
const withBearer = ({ options: { bearer: _, ...options }, ...call }: Call, bearer?: string): Call => ({
  ...call,
  options: { ...options, ...(bearer !== undefined && { bearer }) },
})
const pick = <Item>(items: readonly Item[], seed: number): Item | undefined => items[seed % items.length]

const FAULTS: Fault[] = [
  {
    title: 'a required field is absent',
    fits: ({ required }) => required.length > 0,
    make: (call, { operation, fields }, seed) => {
      const { [pick(operation.required, seed) ?? '']: _, ...rest } = fields
      return withJson(call, rest)
    },
  },
  {
    title: 'an unknown field',
    fits: hasBody,
    make: (call, { fields }) => withJson(call, { ...fields, is_admin: true }),
  },
  {
    title: 'a field of another type',
    fits: ({ fields }) => fields.length > 0,
    make: (call, { operation, fields }, seed) =>
      withJson(call, {
        ...fields,
        [pick(operation.fields, seed) ?? '']: pick([42.5, { a: 1 }], seed),
      }),
  },
  {
    title: 'a text that is too long',
    fits: ({ fields }) => fields.some((name) => name !== 'users' && name !== 'events'),
    make: (call, { operation, fields }, seed) => {
      const texts = operation.fields.filter((name) => name !== 'users' && name !== 'events')
      return withJson(call, { ...fields, [pick(texts, seed) ?? '']: 'x'.repeat(5000) })
    },
  },
  { title: 'no object', fits: needsBody, make: (call) => withJson(call, []) },
  {
    title: 'JSON that breaks off',
    fits: hasBody,
    make: (call, { fields }) => withText(call, JSON.stringify({ ...fields, a: 1 }).slice(0, -1)),
  },
  { title: 'a key twice', fits: hasBody, make: (call) => withText(call, '{"a":1,"a":1}') },
  {
    title: 'another media type',
    fits: hasBody,
    make: (call, { fields }) => withText(call, JSON.stringify(fields), 'text/plain'),
  },
  { title: 'no access token', fits: isBearer, make: (call) => withBearer(call) },
  {
    title: 'an access token that was changed',
    fits: isBearer,
    make: (call, { tokens }) => withBearer(call, tokens.access_token.replace(/[^.]+$/, 'A'.repeat(86))),
  },
  {
    title: 'the access token of one who is no administrator',
    fits: ({ caller }) => caller === 'admin',
    make: (call, { other }) => withBearer(call, other.access_token),
  },
  {
    title: 'an unknown parameter',
    fits: ({ query }) => query.length > 0,
    make: (call) => ({ ...call, path: `${call.path}?is_admin=true` }),
  },
  {
    title: 'a parameter twice',
    fits: ({ query }) => query.length > 0,
    make: (call, { operation }, seed) => {
      const { name } = pick(operation.query, seed) ?? { name: '' }
      return { ...call, path: `${call.path}?${name}=1&${name}=1` }
    },
  },
  {
    title: 'an id that is none',
    fits: ({ path }) => path.includes(':'),
    make: (call, { tokens }) => ({ ...call, path: call.path.replaceAll(tokens.session.id, 'none') }),
  },
  {
    title: 'an Idempotency-Key that others could hit upon',
    fits: ({ idempotencyKey }) => idempotencyKey,
    make: ({ options, ...call }) => ({
      ...call,
      options: { ...options, headers: { ...options.headers, 'idempotency-key': '1' } },
    }),
  },
  {
    title: 'a host that serves no tenant',
    fits: ({ id, limits }) => id !== 'readyz' && limits.withoutPostgres !== 'unused',
    make: (call, { client }) => ({
      ...call,
      client: createClient(service(), { ...client.tenant, origin: 'http://nowhere.test' }),
    }),
  },
  {
    title: 'another method',
    fits: () => true,
    make: ({ options: { json: _, ...options }, ...call }) => ({
      ...call,
      options: { ...options, method: 'PUT' },
    }),
  },
]
