/**
 * JSON Schema of what comes in and goes out, from the schemas that validate it. What src/ exports as `…Answer` is one
 * component of the document, under that name.
 */
import { globSync, readFileSync } from 'node:fs'
import { type ConversionConfig, type JsonSchema as Converted, toJsonSchema } from '@valibot/to-json-schema'
import type { GenericSchema } from 'valibot'

export type JsonSchema = Converted
export type Components = Record<string, GenericSchema>

/** By their text, because the types of Workers and those of Node cannot be in one project. */
export async function loadComponents(): Promise<Components> {
  const found: Components = {}
  for (const file of globSync('src/**/*.ts').toSorted()) {
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/^export const (\w+)Answer = v\./gm)) {
      const module = (await import(new URL(`../${file}`, import.meta.url).href)) as Record<string, unknown>
      found[name] = module[`${name}Answer`] as GenericSchema // the text says that it is one
    }
  }
  return found
}

/** Checks that no JSON Schema can express are left out: a request that they refuse is `invalid_input` all the same. */
const OPTIONS: ConversionConfig = {
  errorMode: 'ignore',
  typeMode: 'input',
  target: 'draft-2020-12',
  // Said, so that it differs from an object which merely may grow.
  overrideSchema: ({ valibotSchema, jsonSchema }) =>
    valibotSchema.type === 'loose_object' ? { ...jsonSchema, additionalProperties: true } : undefined,
}

/** @returns the schema, with references to the components */
export function schemaOf(schema: GenericSchema, components: Components): JsonSchema {
  const { $schema, $defs, ...converted } = toJsonSchema(schema, { ...OPTIONS, definitions: components })
  const text = JSON.stringify(converted).replaceAll('"#/$defs/', '"#/components/schemas/')
  return JSON.parse(text) // what was just written
}

export function componentSchemas(components: Components): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(components).map(([name, schema]) => {
      const { [name]: self, ...others } = components
      return [name, schemaOf(schema, others)]
    }),
  )
}
