/** Many sign-ins at once: the hash of one must not cost another the answer that it waits for (FINDINGS F15). */
import { expect, test } from 'vitest'
import { countBy, createClient, newClient, race } from '../support/client.ts'
import { FULL_COST, useService } from '../support/service.ts'

const service = useService({ bindings: { ...FULL_COST, LIMITS_MULTIPLIER: '1000' } })
/** Redis has less time than the 64 hashes take together, and four times what production gives it: it runs in this process. */
const hurried = useService({
  beside: service,
  bindings: { ...FULL_COST, LIMITS_MULTIPLIER: '1000', REDIS_TIMEOUT_MS: '1000' },
})

test('64 simultaneous sign-ins all succeed although their hashes outlast the deadline of a call', {
  timeout: 120_000,
}, async () => {
  const client = await newClient(service())
  const emails = await race(64, async () => (await client.signUp()).email)
  const answers = await race(64, (index) => createClient(hurried(), client.tenant).login(emails[index] ?? ''))
  expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 64 })
})
