/** Tables that documents show are those that the code states; `npm run docs` writes them. */
import { expect, test } from 'vitest'
import { renderDocuments } from '../../ops/docs.ts'

test('every generated table is as the code has it; if not, run `npm run docs`', async () => {
  const documents = await renderDocuments()
  expect(documents.length).toBeGreaterThan(0)
  for (const { text, rendered } of documents) expect(text).toBe(rendered)
})
