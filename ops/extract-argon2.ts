/**
 * Takes the two WebAssembly binaries behind our Argon2 out of the installed hash-wasm and keeps them beside the
 * driver that runs them, with hash-wasm's licence. It trusts the pinned SHA-256 and nothing else: a package that
 * changed its layout or its binaries stops it. `--check` writes nothing and exits 1 when the committed files differ.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** SHA-256 of the binaries that were reviewed, from hash-wasm 4.13.0. */
const PINNED_SHA256 = {
  argon2: '7a25eff94eb7bc559acb7305d8352ed24470670a9ae653d79d86f92f8a395c3d',
  blake2b: '2aa7f33c4ece502997304672bc8defa348a7a30ef9a191e8648d317830e50afd',
}

const packageFolder = dirname(createRequire(import.meta.url).resolve('hash-wasm/package.json'))
const targetFolder = join(dirname(fileURLToPath(import.meta.url)), '../src/crypto/wasm')

/** The binary called `name`, which hash-wasm carries as base64 inside its JavaScript. */
function extractBinary(bundle: string, name: string, expectedSha256: string): Buffer {
  const found = bundle.match(
    new RegExp(String.raw`var name(?:\$\w+)? = "${name}";\s*var data(?:\$\w+)? = "([A-Za-z0-9+/=]+)";`),
  )
  if (!found?.[1]) throw new Error(`hash-wasm no longer carries ${name} where it was: review the package`)
  const binary = Buffer.from(found[1], 'base64')
  const sha256 = createHash('sha256').update(binary).digest('hex')
  if (sha256 !== expectedSha256)
    throw new Error(`${name}.wasm is not the reviewed binary: ${sha256}, expected ${expectedSha256}`)
  return binary
}

function expectedFiles(): Map<string, Buffer> {
  const bundle = readFileSync(join(packageFolder, 'dist/index.esm.js'), 'utf8')
  const files = new Map<string, Buffer>()
  for (const [name, sha256] of Object.entries(PINNED_SHA256))
    files.set(`${name}.wasm`, extractBinary(bundle, name, sha256))
  files.set('LICENSE', readFileSync(join(packageFolder, 'LICENSE')))
  return files
}

function isCurrent(path: string, content: Buffer): boolean {
  return existsSync(path) && readFileSync(path).equals(content)
}

const checkOnly = process.argv.includes('--check')
mkdirSync(targetFolder, { recursive: true })
for (const [fileName, content] of expectedFiles()) {
  const path = join(targetFolder, fileName)
  if (isCurrent(path, content)) {
    console.log(`${fileName}: current`)
  } else if (checkOnly) {
    console.error(`${fileName}: differs from the installed hash-wasm; run "npm run argon2"`)
    process.exitCode = 1
  } else {
    writeFileSync(path, content)
    console.log(`${fileName}: written (${content.length} bytes)`)
  }
}
