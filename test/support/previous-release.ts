/**
 * The release before this one, built from the repository's history: while a new one is rolled out both serve the same
 * databases, whose schema is already the new one.
 */
import { execFile } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { requireBundle } from './bundles.ts'

/** Moves to the commit that is deployed when a release is made; a column that it reads may be dropped only after that. */
const PREVIOUS_RELEASE = '38ae1364f36291d53c2dbec92d09540f1f5ef37d'

const run = promisify(execFile)

/** Bundles its all-in-one Worker below `folder`, where `startService({ bundles: folder })` finds it. */
export async function buildPreviousRelease(folder: string): Promise<void> {
  const source = path.join(folder, 'source')
  await mkdir(source, { recursive: true })
  const archive = path.join(folder, 'source.tar')
  const parts = ['src', 'wrangler.toml', 'package.json', 'tsconfig.json']
  await run('git', ['archive', `--output=${archive}`, PREVIOUS_RELEASE, ...parts]).catch((cause) => {
    throw new Error(
      `the history lacks ${PREVIOUS_RELEASE}, which this test builds: git fetch --unshallow, or clone without --depth`,
      { cause },
    )
  })
  await run('tar', ['-xf', archive, '-C', source])
  await symlink(path.resolve('node_modules'), path.join(source, 'node_modules'))
  await requireBundle(folder, '', source)
}
