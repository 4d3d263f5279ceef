/** An example for a schema: what its fields are named after, and else the simplest value that fits. */
import type { JsonSchema } from './openapi-schemas.ts'

const ID = '01922c3e-7a51-7c4e-9f0a-3b6d5c8e2f10'

const BY_NAME: Record<string, unknown> = {
  email: 'ada@example.com',
  password: 'correct horse battery',
  current_password: 'correct horse battery',
  new_password: 'another battery staple',
  name: 'Ada Lovelace',
  token: `lko_${'Q2x'.repeat(14)}A`,
  refresh_token: `lkr_${'Zk7'.repeat(14)}A`,
  access_token: 'eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIwMTkyIn0.c2lnbmF0dXJl',
  code: '493021',
  code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  locale: 'en',
  logo: 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7',
  url: 'https://example.com/hooks/latchkey',
  issuer: 'https://auth.example.com',
  jwks_uri: 'https://auth.example.com/.well-known/jwks.json',
  secret: 'whsec_bGF0Y2hrZXkgZXhhbXBsZSBzZWNyZXQ=',
  address: '203.0.113.0',
  country: 'IE',
  city: 'Dublin',
  user_agent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0',
  device: 'Firefox on Windows',
  type: 'session.started',
  since: '2026-11-26T00:00:00Z',
  roles: [],
  external_id: 'customer-4711',
  public_metadata: { theme: 'dark' },
  private_metadata: { plan: 'team' },
  key: 'lk_live_01922c3e7a517c4e9f0a3b6d5c8e2f10_y1wqHhfT4ZmdIIQAPaV8EvFW0KSL4q7TwpXSUfKT5J10MJaLJ',
  sha256: 'n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=',
  user_id: ID,
  scopes: ['orders:read'],
  methods: ['pwd'],
  expires_in: 600,
  refresh_expires_in: 1209600,
}

/** @param shared what `$ref` leads to */
export function exampleOf(schema: JsonSchema, shared: Record<string, JsonSchema>, name = ''): unknown {
  if (schema.$ref !== undefined) {
    const referred = shared[schema.$ref.split('/').at(-1) ?? '']
    return referred === undefined ? undefined : exampleOf(referred, shared, name)
  }
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (fits(BY_NAME[name], schema)) return BY_NAME[name]
  const [first] = schema.anyOf ?? schema.oneOf ?? []
  if (typeof first === 'object') return exampleOf(first, shared, name)
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).flatMap(([member, of]) =>
          typeof of === 'object' && isShown(member, schema) ? [[member, exampleOf(of, shared, member)]] : [],
        ),
      )
    case 'array':
      return typeof schema.items === 'object' && !Array.isArray(schema.items)
        ? [exampleOf(schema.items, shared)]
        : []
    case 'boolean':
      return false
    case 'number':
    case 'integer':
      return schema.minimum ?? 1
    case 'string':
      return exampleText(schema)
    default:
      return null
  }
}

/** What may be absent is shown where its example says something. */
const isShown = (member: string, { required = [], properties = {} }: JsonSchema) =>
  required.includes(member) || member in BY_NAME || Object.keys(properties).length === 1

function exampleText({ format, pattern }: JsonSchema): string {
  if (format === 'date-time') return '2026-11-27T09:00:00.000Z'
  if (format === 'uuid' || pattern?.includes('[0-9a-f]{8}')) return ID
  if (pattern === '^[0-9]{1,3}$') return '20'
  return 'text'
}

/** One name can be a list in one schema and a text in another. */
function fits(value: unknown, { type, pattern }: JsonSchema): boolean {
  if (value === undefined || (type !== undefined && type !== typeOf(value))) return false
  return typeof value !== 'string' || pattern === undefined || new RegExp(pattern, 'u').test(value)
}

const typeOf = (value: unknown) => (Array.isArray(value) ? 'array' : typeof value)
