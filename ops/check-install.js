// @ts-check
/**
 * Says what to run when the installation is not whole: npm was told to run no scripts (`--ignore-scripts`), so neither the
 * project's Node nor the binaries behind Argon2 are there. It is JavaScript, because it may be any Node that runs it.
 * `--argon2` asks for the binaries too; tests and builds make them for themselves.
 */
import { existsSync } from 'node:fs'
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

if (missing.length > 0) {
  console.error('The installation is not complete; its scripts did not run:')
  for (const what of missing) console.error(`  ${what}`)
  console.error('Run: npm ci --ignore-scripts=false    (with npm 11 or newer; npm --version says which)')
  process.exitCode = 1
}
