// @ts-check
/**
 * Takes the two WebAssembly binaries behind our Argon2 out of the installed hash-wasm and puts them beside the driver
 * that runs them, with hash-wasm's licence. It trusts the pinned SHA-256 and nothing else: a package that changed its
 * layout or its binaries stops it. `npm ci` runs it, and so does wrangler before every bundle; it is JavaScript, because
 * both may run under a Node that reads no TypeScript. What is there already is left alone, so it costs a few milliseconds.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** SHA-256 of the binaries that were reviewed, from hash-wasm 4.13.0. */
const PINNED_SHA256 = {
  argon2: '7a25eff94eb7bc559acb7305d8352ed24470670a9ae653d79d86f92f8a395c3d',
  blake2b: '2aa7f33c4ece502997304672bc8defa348a7a30ef9a191e8648d317830e50afd',
}

const FOLDER = fileURLToPath(new URL('../src/crypto/wasm', import.meta.url))

/**
 * Writes what is missing or different.
 * @param {{ folder?: string, source?: string }} [options] where to, and the folder of another hash-wasm
 * @returns {string[]} the files written
 * @throws when hash-wasm does not hold the reviewed binaries
 */
export function writeArgon2({ folder = FOLDER, source = findHashWasm() } = {}) {
  mkdirSync(folder, { recursive: true })
  const written = [...readBinaries(folder, source), ...readLicence(folder, source)]
  for (const { name, content } of written) {
    // Several builds run side by side: none may read a file that another is in the middle of.
    const fresh = path.join(folder, `${name}.${process.pid}.new`)
    writeFileSync(fresh, content)
    renameSync(fresh, path.join(folder, name))
  }
  return written.map(({ name }) => name)
}

/** @returns {string} the folder of the installed package */
function findHashWasm() {
  return path.dirname(createRequire(import.meta.url).resolve('hash-wasm/package.json'))
}

/**
 * The binaries that are not there yet.
 * @param {string} folder
 * @param {string} source
 */
function readBinaries(folder, source) {
  const missing = Object.entries(PINNED_SHA256).filter(
    ([name, pinned]) => sha256(readIfThere(path.join(folder, `${name}.wasm`))) !== pinned,
  )
  if (missing.length === 0) return []
  const bundle = readFileSync(path.join(source, 'dist/index.esm.js'), 'utf8')
  return missing.map(([name, pinned]) => ({
    name: `${name}.wasm`,
    content: extractBinary(bundle, name, pinned),
  }))
}

/**
 * @param {string} folder
 * @param {string} source
 */
function readLicence(folder, source) {
  const content = readFileSync(path.join(source, 'LICENSE'))
  return readIfThere(path.join(folder, 'LICENSE')).equals(content) ? [] : [{ name: 'LICENSE', content }]
}

/**
 * The binary called `name`, which hash-wasm carries as base64 inside its JavaScript.
 * @param {string} bundle
 * @param {string} name
 * @param {string} pinned
 */
function extractBinary(bundle, name, pinned) {
  const found = bundle.match(
    new RegExp(String.raw`var name(?:\$\w+)? = "${name}";\s*var data(?:\$\w+)? = "([A-Za-z0-9+/=]+)";`),
  )
  if (!found?.[1]) throw new Error(`hash-wasm no longer carries ${name} where it was: review the package`)
  const binary = Buffer.from(found[1], 'base64')
  if (sha256(binary) !== pinned)
    throw new Error(`${name}.wasm is not the reviewed binary: ${sha256(binary)}, expected ${pinned}`)
  return binary
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return readFileSync(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

/** @param {Buffer} content */
const sha256 = (content) => createHash('sha256').update(content).digest('hex')

// `import.meta.main` is newer than the Node that may run this; a checkout may be reached by a link.
if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  const written = writeArgon2()
  if (written.length > 0) console.log(`src/crypto/wasm: wrote ${written.join(', ')} from hash-wasm`)
}
