/**
 * `npm run build` — bundles every Worker of wrangler.toml as a deployment would, uploads nothing, and prints how large
 * each is. It holds what must stay true of the bundles: only the Workers that hash passwords carry Argon2, and only those that
 * answer for passkeys what verifies them.
 */
import { execFile } from 'node:child_process'
import { readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { withoutSettings } from './child-environment.ts'
import { ALL_IN_ONE, environmentOf, readWorkers } from './routes.ts'

/** No update check, no metrics: a build connects to nothing. */
export const OFFLINE = { DO_NOT_TRACK: '1', WRANGLER_HIDE_BANNER: 'true' }

export const WRANGLER = path.join(
  path.dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
)

const MAY_HASH = [ALL_IN_ONE, 'password', 'pages']
const MAY_VERIFY_PASSKEYS = [ALL_IN_ONE, 'passkey', 'pages']

export type Bundle = {
  worker: string
  uploadKiB: number
  gzipKiB: number
  wasm: string[]
  carriesArgon2: boolean
  carriesWebAuthn: boolean
}

/** Bundles one Worker into `folder`. @throws with what wrangler printed when that fails */
export async function buildWorker(worker: string, folder: string): Promise<Bundle> {
  await rm(folder, { recursive: true, force: true })
  const args = ['deploy', `--env=${environmentOf(worker)}`, '--dry-run', '--outdir', folder]
  const printed = await runWrangler(args)
  const sizes = /Total Upload: ([\d.]+) KiB \/ gzip: ([\d.]+) KiB/.exec(printed)
  if (!sizes) throw new Error(`wrangler did not say how large ${worker} is:\n${printed}`)
  const inspected = await inspectBundle(folder)
  return { worker, uploadKiB: Number(sizes[1]), gzipKiB: Number(sizes[2]), ...inspected }
}

/** What a built bundle is made of. `Hash_Calculate` is the function of argon2.wasm that our driver calls by name; `android-safetynet`
 * is a form of attestation that @simplewebauthn/server knows. */
export async function inspectBundle(
  folder: string,
): Promise<Pick<Bundle, 'wasm' | 'carriesArgon2' | 'carriesWebAuthn'>> {
  const files = await readdir(folder)
  // Wrangler puts a hash before each name.
  const wasm = files
    .filter((file) => file.endsWith('.wasm'))
    .map((file) => file.replace(/^[0-9a-f]{40}-/, ''))
  const scripts = await Promise.all(
    files.filter((file) => /\.m?js$/.test(file)).map((file) => readFile(path.join(folder, file), 'utf8')),
  )
  const hasDriver = scripts.some((script) => script.includes('Hash_Calculate'))
  return {
    wasm: wasm.sort(),
    carriesArgon2: hasDriver || wasm.includes('argon2.wasm'),
    carriesWebAuthn: scripts.some((script) => script.includes('android-safetynet')),
  }
}

async function runWrangler(args: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [WRANGLER, ...args], {
      env: { ...withoutSettings(process.env), ...OFFLINE },
      maxBuffer: 16 * 1024 * 1024,
    })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string } // of execFile, both kept
    throw new Error(`wrangler ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

async function main(): Promise<void> {
  const rows: Record<string, object> = {}
  for (const worker of readWorkers().keys()) {
    try {
      const bundle = await buildWorker(worker, path.join('dist', worker))
      const { uploadKiB, gzipKiB, wasm, carriesArgon2, carriesWebAuthn } = bundle
      rows[worker] = { 'upload KiB': uploadKiB, 'gzip KiB': gzipKiB, wasm: wasm.join(', ') || '-' }
      if (carriesArgon2 && !MAY_HASH.includes(worker))
        refuse(
          `the Worker ${worker} carries Argon2; only ${MAY_HASH.join(' and ')} may. See what it imports.`,
        )
      if (carriesWebAuthn && !MAY_VERIFY_PASSKEYS.includes(worker))
        refuse(`the Worker ${worker} carries what verifies passkeys. See what it imports.`)
    } catch (error) {
      refuse(`the Worker ${worker} does not build: ${error instanceof Error ? error.message : error}`)
    }
  }
  console.table(rows)
}

function refuse(message: string): void {
  console.error(message)
  process.exitCode = 1
}

if (import.meta.main) await main()
