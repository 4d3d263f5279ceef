/** How test/ is laid out, held; and the rule seen to fire on the mistakes it is for. */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ownFolderOrSupport, routesWithoutTest, testNotIt } from './folders.ts'
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

describe('an operation has a test file of its name', () => {
  test('in all of src/', () => {
    const routes = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.route.ts'))
      .map((file) => `src/${file}`)
    expect(routes.length).toBeGreaterThan(50)
    const tests = files.map(({ path }) => path)
    const missing = routesWithoutTest(routes, tests)
    expect(missing).toEqual([])
  })

  test('fires on one that has none', () => {
    const tests = ['test/me/read-me.test.ts', 'test/me/read.test.ts']
    expect(routesWithoutTest(['src/me/read-me.route.ts', 'src/me/read-you.route.ts'], tests)).toEqual([
      'src/me/read-you.route.ts',
    ])
  })
})
