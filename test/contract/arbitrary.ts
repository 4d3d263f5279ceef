/** Values that a schema of the OpenAPI document calls valid. */
import fc from 'fast-check'
import type { JsonSchema } from '../operations.ts'

/** What is valid by more than a schema can say. */
const BY_NAME: Record<string, fc.Arbitrary<unknown>> = {
  locale: fc.constantFrom('en', 'de', 'de-AT', 'pt-BR'),
  name: fc.constantFrom('Ada', 'Grace Hopper', 'Ærøskøbing', '李'),
  description: fc.constantFrom('Ours', null),
  password: fc.constant('correct horse battery'),
  new_password: fc.constant('another battery staple'),
  type: fc.constantFrom('session.started', 'session.*'),
  address: fc.ipV4(),
  cursor: fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
  roles: fc.uniqueArray(fc.constantFrom('editor', 'viewer', 'admin')),
}

export function arbitraryOf(schema: JsonSchema, name = ''): fc.Arbitrary<unknown> {
  const known = BY_NAME[name]
  if (known) return known
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => arbitraryOf(one, name)))
  switch (schema.type) {
    case 'string':
      return textOf(schema)
    case 'boolean':
      return fc.boolean()
    case 'number':
    case 'integer':
      return fc.integer({ min: 0, max: 1000 })
    case 'null':
      return fc.constant(null)
    case 'array': {
      const { minItems = 0, maxItems = 3, items = {} } = schema
      return fc.array(arbitraryOf(items), {
        minLength: minItems,
        maxLength: Math.min(maxItems, minItems + 2),
      })
    }
    case 'object': {
      const { properties = {}, required = [] } = schema
      const record = Object.entries(properties).map(([member, of]) => [member, arbitraryOf(of, member)])
      const whole: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(record)
      return fc.record(whole, { requiredKeys: required })
    }
    default:
      return fc.constantFrom('text', 1, true)
  }
}

function textOf({ format, pattern, minLength = 1, maxLength = 30 }: JsonSchema): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc
      .date({ min: new Date('2001-01-01'), max: new Date('2099-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString())
  if (pattern?.includes('[0-9a-f]{8}')) return fc.uuid()
  if (pattern === '^[0-9]{1,3}$') return fc.integer({ min: 1, max: 100 }).map(String)
  return fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 30) })
}
