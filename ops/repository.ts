/**
 * The repository of a deployment, which has this service as a package (docs/deploying.md).
 *   npx latchkey-service init      writes wrangler.toml, .gitignore and the scripts of package.json; it overwrites nothing
 *   npx latchkey-service update    after a newer package was installed: takes what is new in its wrangler.toml into yours
 * `wrangler.base.toml` is the package's own file as it was when yours was made from it: what differs from it is yours, and stays.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import * as v from 'valibot'
import { run } from './context.ts'
import { COMMANDS } from './package/commands.js'

const PACKAGE = new URL('../', import.meta.url)
const OWN = 'wrangler.toml'
const BASE = 'wrangler.base.toml'
const IGNORED = ['node_modules/', '.wrangler/', '.latchkey/', 'dist/', '.dev.vars*', '.env*', '*.log']
/** What a deployment needs besides, in the versions that this release was tested with. */
const TOOLS = ['wrangler', 'node'] as const

const Manifest = v.looseObject({
  scripts: v.optional(v.record(v.string(), v.string()), {}),
  devDependencies: v.optional(v.record(v.string(), v.string()), {}),
})
const Released = v.object({
  name: v.string(),
  version: v.string(),
  devDependencies: v.record(v.string(), v.string()),
})

const released = () => v.parse(Released, JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8')))

/** The package's wrangler.toml, with its files where a repository has them. */
function packaged(): string {
  const { name } = released()
  const at = `node_modules/${name}/`
  return readFileSync(new URL('wrangler.toml', PACKAGE), 'utf8')
    .replace(/^main = "src\//gm, `main = "${at}src/`)
    .replaceAll('= "./src/', `= "./${at}src/`)
    .replace('command = "node ops/', `command = "node ${at}ops/`)
    .replace(/^main = .*$/m, (main) => `${main}\ntsconfig = "${at}tsconfig.json"`)
}

function readManifest(): v.InferOutput<typeof Manifest> {
  if (!existsSync('package.json')) throw new Error('there is no package.json here; first: npm init -y')
  return v.parse(Manifest, JSON.parse(readFileSync('package.json', 'utf8')))
}

/** @returns whether a tool has another version now, which is then to be installed */
function writeManifest(): boolean {
  const manifest = readManifest()
  const { devDependencies } = released()
  const tools = Object.fromEntries(TOOLS.map((tool) => [tool, devDependencies[tool] ?? '']))
  const scripts = Object.fromEntries(
    Object.keys(COMMANDS).flatMap((command) =>
      command === 'init' ? [] : [[command, `latchkey-service ${command}`] as const],
    ),
  )
  const changed = {
    ...manifest,
    private: true,
    scripts: { ...scripts, ...manifest.scripts },
    devDependencies: { ...manifest.devDependencies, ...tools },
  }
  writeFileSync('package.json', `${JSON.stringify(changed, null, 2)}\n`)
  return TOOLS.some((tool) => manifest.devDependencies[tool] !== tools[tool])
}

function ignoreFiles(): void {
  const before = existsSync('.gitignore') ? readFileSync('.gitignore', 'utf8') : ''
  const lines = before.split('\n')
  const lacking = IGNORED.filter((line) => !lines.includes(line))
  const isOpen = before !== '' && !before.endsWith('\n')
  if (lacking.length > 0) writeFileSync('.gitignore', `${before}${isOpen ? '\n' : ''}${lacking.join('\n')}\n`)
}

function init(): void {
  for (const file of [OWN, BASE])
    if (existsSync(file))
      throw new Error(`${file} is here already; after an update: npx latchkey-service update`)
  readManifest()
  ignoreFiles()
  for (const file of [OWN, BASE]) writeFileSync(file, packaged())
  const isToolNew = writeManifest()
  const steps = [
    ...(isToolNew ? ['npm install'] : []),
    'git add --all && git commit',
    'npm run setup -- --host auth.acme.com --tenant acme --admin you@acme.com',
  ]
  console.error(`The repository is ready. Next:\n${steps.map((step) => `  ${step}`).join('\n')}`)
}

function update(): void {
  for (const file of [OWN, BASE])
    if (!existsSync(file)) throw new Error(`${file} is not here; first: npx latchkey-service init`)
  const isToolNew = writeManifest()
  const next = packaged()
  const conflicts = next === readFileSync(BASE, 'utf8') ? 0 : merge(next)
  if (conflicts > 0) {
    process.exitCode = 1
    console.error(
      `${conflicts} ${conflicts === 1 ? 'place' : 'places'} of ${OWN}: changed by you and by the release. git diff shows both, between <<<<<<< and >>>>>>>. Decide, then:`,
    )
  } else console.error(`${OWN} is as ${released().version} needs it. Next:`)
  for (const step of [
    ...(isToolNew ? ['npm install'] : []),
    'git diff',
    'npm run migrate',
    'npm run deploy',
    'npm run doctor',
  ])
    console.error(`  ${step}`)
}

/** The three-way merge of git: what is new of the release, into what is the operator's. @returns how often both changed the same lines */
function merge(next: string): number {
  const file = `${BASE}.next`
  writeFileSync(file, next)
  const labels = ['-L', 'yours', '-L', 'before', '-L', 'release']
  const { status, error, stderr } = spawnSync('git', ['merge-file', ...labels, OWN, BASE, file], {
    encoding: 'utf8',
  })
  if (error || status === null || status > 127)
    throw new Error(`git merge-file failed: ${error?.message ?? stderr}`)
  renameSync(file, BASE)
  return status
}

if (import.meta.main)
  await run(async () => {
    const [command] = process.argv.slice(2)
    if (command === 'init') return init()
    if (command === 'update') return update()
    throw new Error('npx latchkey-service init | update')
  })
