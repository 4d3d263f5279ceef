/** Rules of test/: what one folder shares with another is in test/support/, a test is called `test`, an operation has a test file. */
import path from 'node:path'
import type { Rule } from './rules.ts'
import { nameOf, nodes } from './source.ts'

export const ownFolderOrSupport: Rule = ({ path: file, imports }) =>
  imports.flatMap(({ from }) => {
    if (!from.startsWith('.')) return []
    const target = path.posix.join(path.posix.dirname(file), from)
    const [folder, other] = [folderOf(file), folderOf(target)]
    return other === null || other === 'support' || other === folder
      ? []
      : [`imports ${from}: what two folders share is in test/support/`]
  })

/** Null for what is not in a folder of test/. */
function folderOf(file: string): string | null {
  const [root, folder, ...rest] = file.split('/')
  return root === 'test' && rest.length > 0 && folder !== undefined ? folder : null
}

export const testNotIt: Rule = ({ body }) =>
  body
    .filter(({ type }) => type === 'ImportDeclaration')
    .flatMap(({ specifiers }) => nodes(specifiers))
    .filter(({ imported }) => nameOf(imported) === 'it')
    .map(() => 'imports `it`: a test is written with `test`')

/** @returns the routes for whose operation no test file is named */
export function routesWithoutTest(routes: readonly string[], tests: readonly string[]): string[] {
  const tested = new Set(tests.map((file) => path.posix.basename(file, '.test.ts')))
  return routes.filter((route) => !tested.has(path.posix.basename(route, '.route.ts')))
}
