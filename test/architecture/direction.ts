/**
 * Which folder of src/ may import which, in one list. A room may import those above it. Files of src/ itself know no
 * capability: every room may import them, except those that put the rooms together.
 */
import path from 'node:path'
import type { Rule } from './rules.ts'

/** From the ground up; the rooms of one line know nothing of each other. */
const ROOMS = [
  // These know no capability.
  ['crypto'],
  ['storage', 'http'],
  ['limits', 'events', 'idempotency', 'housekeeping'],
  // Capabilities.
  ['tenants'],
  ['keys', 'turnstile'],
  ['accounts'],
  ['one-time'],
  ['guard'],
  ['sessions'],
  ['access'],
  ['sign-in'],
  ['addresses', 'passkeys', 'social'],
  ['passwords', 'mfa'],
]

/**
 * Imported by Workers and jobs.ts alone; each may use the rooms up to the one named. `knows`: leaves that it uses besides.
 */
const LEAVES: Record<string, { upTo: string; knows?: readonly string[] }> = {
  contract: { upTo: 'limits' },
  health: { upTo: 'keys' },
  audit: { upTo: 'guard' },
  mailer: { upTo: 'sessions' },
  webhooks: { upTo: 'guard' },
  me: { upTo: 'access', knows: ['audit'] },
  admin: { upTo: 'passwords', knows: ['api-keys'] }, // an account moves in with its keys
  pages: { upTo: 'passwords', knows: ['me', 'api-keys'] },
  console: { upTo: 'passwords', knows: ['admin', 'api-keys', 'audit', 'mailer', 'pages', 'webhooks'] },
}

/**
 * Gathers what the rooms' own files of that name declare. It is known to all, because those know no room that is above
 * their own; so that it stays so, it imports nothing else.
 */
const GATHERED = 'src/personal-data.ts'
const DECLARES = /^src\/[a-z-]+\/personal-data\.ts$/

/** They put rooms together, and nothing below imports them. */
const ASSEMBLY = /^src\/(app|index|jobs)\.ts$|^src\/workers\//

export const importsPointOneWay: Rule = ({ path: file, imports }) =>
  imports.flatMap(({ from }) => {
    if (!from.startsWith('.')) return []
    const target = path.posix.join(path.posix.dirname(file), from)
    if (!target.startsWith('src/')) return [`imports ${from}: src/ is what ships, and never imports the rest`]
    if (ASSEMBLY.test(file)) return []
    if (file === GATHERED)
      return DECLARES.test(target) ? [] : [`imports ${from}: it gathers personal-data.ts files alone`]
    if (DECLARES.test(file) && target === GATHERED) return [`imports ${from}: it would import itself`]
    if (ASSEMBLY.test(target)) return [`imports ${from}: only Workers put rooms together`]
    const [room, other] = [roomOf(file), roomOf(target)]
    return other === null ||
      other === room ||
      reach(room) > heightOf(other) ||
      LEAVES[room ?? '']?.knows?.includes(other)
      ? []
      : [`imports ${from}: ${room ?? 'a file of src/'} may not know ${other}/`]
  })

/** Null for a file of src/ itself. */
function roomOf(file: string): string | null {
  const [, room, ...rest] = file.split('/')
  return rest.length > 0 && room !== undefined ? room : null
}

/** A room, or a file of src/ itself, may import what is lower than this. */
const reach = (room: string | null) => {
  if (room === null) return heightOf('tenants')
  const leaf = LEAVES[room]
  return leaf === undefined ? heightOf(room) : heightOf(leaf.upTo) + 1
}

/** Leaves, and rooms that the list does not know, are above everything. */
function heightOf(room: string): number {
  const height = ROOMS.findIndex((rooms) => rooms.includes(room))
  return height < 0 ? ROOMS.length : height
}
