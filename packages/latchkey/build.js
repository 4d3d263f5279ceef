/** Makes dist/: the types of the OpenAPI document, then JavaScript and declarations. `npm pack` and `npm ci` of the repository run it. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const run = (script, ...args) =>
  execFileSync(process.execPath, [at(script), ...args], { stdio: ['ignore', 'ignore', 'inherit'] })

const TYPES = '../../tools/typed-client/node_modules/openapi-typescript/bin/cli.js'
if (!existsSync(at(TYPES))) {
  console.log('packages/latchkey/dist is as it was: npm installed no devDependencies')
  process.exit()
}
rmSync(at('dist'), { recursive: true, force: true })
// Types come from schemas; an example that does not fit its own is for a test to find, not for an installation.
const document = JSON.parse(readFileSync(at('../../src/contract/openapi.txt'), 'utf8'), (name, value) =>
  name === 'example' ? undefined : value,
)
mkdirSync(at('src/generated'), { recursive: true })
writeFileSync(at('src/generated/openapi.json'), JSON.stringify(document))
run(TYPES, at('src/generated/openapi.json'), '-o', at('src/generated/openapi.ts'))
run('../../node_modules/typescript/bin/tsc', '-p', at('tsconfig.json'))
