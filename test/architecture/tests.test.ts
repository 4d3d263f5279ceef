/** How test/ is laid out, held; and the rule seen to fire on the mistakes it is for. */
import { describe, expect, test } from 'vitest'
import { ownFolderOrSupport, testNotIt } from './folders.ts'
import { parseSource, readSource } from './source.ts'

const files = readSource('test')

describe('a test file imports from its own folder and from test/support/', () => {
  test('in all of test/', () => {
    expect(files.length).toBeGreaterThan(200)
    expect(files.flatMap((file) => ownFolderOrSupport(file).map((what) => `${file.path}: ${what}`))).toEqual(
      [],
    )
  })

  test.each([
    ["import { x } from '../faults/operations.ts'", 'test/limits/x.test.ts'],
    ["import type { X } from '../../test/faults/operations.ts'", 'test/limits/x.test.ts'],
    ["export { x } from '../limits/windows.ts'", 'test/support/x.ts'],
    ["import { x } from '../../test/limits/windows.ts'", 'test/limits/deep/x.test.ts'],
  ])('fires on: %s in %s', (code, path) => {
    expect(ownFolderOrSupport(parseSource(path, code))).not.toEqual([])
  })

  test.each([
    ["import { x } from './callers.ts'", 'test/faults/x.test.ts'],
    ["import { x } from '../support/client.ts'", 'test/faults/x.test.ts'],
    ["import { x } from '../../src/problem.ts'", 'test/faults/x.test.ts'],
    ["import { x } from '../operations.ts'", 'test/faults/x.test.ts'],
    ["import { x } from 'vitest'", 'test/faults/x.test.ts'],
  ])('leaves alone: %s in %s', (code, path) => {
    expect(ownFolderOrSupport(parseSource(path, code))).toEqual([])
  })
})

describe('a test is written with `test`', () => {
  test('in all of test/', () => {
    expect(files.flatMap((file) => testNotIt(file).map((what) => `${file.path}: ${what}`))).toEqual([])
  })

  test('fires on `it`, and on nothing else that vitest has', () => {
    expect(testNotIt(parseSource('test/x/x.test.ts', "import { expect, it } from 'vitest'"))).not.toEqual([])
    expect(testNotIt(parseSource('test/x/x.test.ts', "import { expect, test } from 'vitest'"))).toEqual([])
  })
})
