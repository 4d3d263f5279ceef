/** What documents show is what the code states; `npm run docs` writes it. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { renderDocuments } from '../../ops/docs.ts'
import { DOCUMENT } from '../../ops/openapi.ts'

test('every generated table is as the code has it; if not, run `npm run docs`', async () => {
  const documents = await renderDocuments()
  expect(documents.length).toBeGreaterThan(0)
  for (const { text, rendered } of documents) expect(text).toBe(rendered)
})

test('the OpenAPI document is as the operations describe themselves; if not, run `npm run docs`', {
  timeout: 60_000,
}, () => {
  // In a process of its own: Vite cannot load what the Workers import, Node can.
  const rendered = execFileSync(process.execPath, ['ops/openapi.ts'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  })
  expect(readFileSync(DOCUMENT, 'utf8').split('\n')).toEqual(rendered.split('\n'))
})
