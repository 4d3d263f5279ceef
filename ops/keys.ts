/**
 * `npm run keys` — signing keys and keyrings.
 *   npm run keys                       what stands: signing keys, and which keyring ids rows still name
 *   npm run keys -- rotate [--es256]   the next step of a rotation (the first key, publish, or let the published one sign)
 *   npm run keys -- rotate --now       without waiting for the 24 hours of publication
 *   npm run keys -- secret [id]        a new keyring entry to prepend to AUTH_KEYS or SIGNING_SEAL_KEYS
 */
import { createOperatorContext, run } from './context.ts'
import { list } from './key-report.ts'
import { newKeyringEntry } from './keyring.ts'
import { rotate } from './signing-keys.ts'

if (import.meta.main) {
  await run(async () => {
    const [command = 'list', ...rest] = process.argv.slice(2)
    if (command === 'list') return list(createOperatorContext(process.env, ['DATABASE_URL']))
    if (command === 'rotate')
      return rotate(createOperatorContext(process.env, ['DATABASE_URL', 'SIGNING_SEAL_KEYS']), rest)
    if (command === 'secret')
      return console.log(newKeyringEntry(rest[0] ?? `k${new Date().toISOString().slice(0, 10)}`))
    throw new Error('usage: npm run keys [-- rotate [--es256] [--now] | secret [id]]')
  })
}
