// @ts-check
/**
 * Says what to run when the installation is not whole: package.json names another version since, or npm was told to run no
 * scripts (`--ignore-scripts`), so neither the project's Node nor the binaries behind Argon2 are there. It is JavaScript, because it may be any Node that runs it.
 * `--argon2` asks for the binaries too; tests and builds make them for themselves.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const missing = []
if (!process.features.typescript)
  missing.push(
    `this is Node ${process.versions.node}, which reads no TypeScript, and not the one of package.json`,
  )
if (process.argv.includes('--argon2'))
  for (const name of ['argon2', 'blake2b'])
    if (!existsSync(fileURLToPath(new URL(`../src/crypto/wasm/${name}.wasm`, import.meta.url))))
      missing.push(`src/crypto/wasm/${name}.wasm has not been made`)

const { dependencies, devDependencies } = readPackage('')
for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
  const installed = readPackage(`node_modules/${name}/`).version
  if (installed !== version) missing.push(`${name} ${version} is not installed`)
}

if (missing.length > 0) {
  console.error('The installation is not complete:')
  for (const what of missing) console.error(`  ${what}`)
  console.error('Run: npm ci --ignore-scripts=false    (with npm 11 or newer; npm --version says which)')
  process.exitCode = 1
}

/** @param {string} folder with a slash at its end, from the root of the project */
function readPackage(folder) {
  const file = fileURLToPath(new URL(`../${folder}package.json`, import.meta.url))
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
}
