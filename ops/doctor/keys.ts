/** The signing key and the keyrings: whether what they sealed opens, and how old they are. */
import { sql } from 'drizzle-orm'
import { openSigningKeyRow } from '../../src/keys/sealed-key.ts'
import { sealedKeyColumns } from '../../src/keys/store.ts'
import { signingKeys } from '../../src/storage/schema.ts'
import { findKnownKeys, findReadiness } from '../key-rotation.ts'
import { type Check, type Finding, ok, warning, wrong } from './finding.ts'

/** The hourly job replaces a key that is due; one that is this much older shows that it does not run. */
const LATE_DAYS = 3

export const keyChecks: Check[] = [
  {
    part: 'signing key',
    needs: ['DATABASE_URL', 'SIGNING_SEAL_KEYS'],
    look: async (ctx) => {
      const [key] = await ctx.db
        .select({ ...sealedKeyColumns, createdAt: signingKeys.createdAt })
        .from(signingKeys)
        .where(sql`state = 'current'`)
      if (!key) return [wrong('there is none, so no one can sign in', 'run npm run keys -- rotate')]
      const opened = await openSigningKeyRow(ctx, key)
      if ('reason' in opened)
        return [
          wrong(
            `${key.kid} does not open, so no one can sign in: ${opened.reason}`,
            'give the SIGNING_SEAL_KEYS of the Workers; if they are lost, run npm run keys -- rotate',
          ),
        ]
      const days = Math.floor((ctx.now().getTime() - key.createdAt.getTime()) / 86_400_000)
      const { keyDays } = ctx.settings.signing
      return [
        ok(`${key.kid} signs with ${key.algorithm} and opens with SIGNING_SEAL_KEYS`),
        days <= keyDays + LATE_DAYS
          ? ok(`it is ${days} of ${keyDays} days old`)
          : warning(
              `it is ${days} days old, and should be replaced after ${keyDays}`,
              'look why the hourly cron does not run, or run npm run keys -- rotate',
            ),
      ]
    },
  },
  {
    part: 'AUTH_KEYS',
    needs: ['DATABASE_URL', 'AUTH_KEYS'],
    look: async (ctx) => {
      const ids = ctx.settings.authKeys.map(({ keyId }) => keyId)
      const known = await findKnownKeys(ctx)
      const findings: Finding[] = []
      for (const { key_id: id, in_use_since: since } of known) {
        if (since !== null && !ids.includes(id))
          findings.push(
            wrong(
              `this ring lacks ${id}, which made things that are in use`,
              'give every Worker, and this command, the whole ring',
            ),
          )
        if (!ids.includes(id)) continue
        const { lacking } = await findReadiness(ctx, id)
        for (const { worker, secondsAgo } of lacking)
          findings.push(
            wrong(
              `${worker} answered without ${id} ${secondsAgo} s ago`,
              `wrangler secret put AUTH_KEYS --env ${worker}`,
            ),
          )
      }
      return findings.length > 0
        ? findings
        : [ok(`${ids.join(', ')}: every key in use is in it, and every Worker that answered had it`)]
    },
  },
]
