/** Many sign-ins at once, with the deadlines that production gives each call: a hash of one must not cost another its answer (F15). */
import { expect, test } from 'vitest'
import { countBy, createClient, newClient, race } from '../support/client.ts'
import { useService } from '../support/service.ts'

const service = useService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const production = useService({
  beside: service,
  bindings: {
    LIMITS_MULTIPLIER: '1000',
    REDIS_TIMEOUT_MS: '250',
    POSTGRES_TIMEOUT_MS: '2000',
    REQUEST_TIMEOUT_MS: '30000', // how long 64 hashes take is the machine's affair
  },
})

test.each([16, 32, 64])(
  '%i simultaneous sign-ins all succeed inside the deadlines that production gives each call',
  async (n) => {
    const client = await newClient(service())
    const emails = await race(n, async () => (await client.newAccount()).email)
    const answers = await race(n, (index) =>
      createClient(production(), client.tenant).login(emails[index] ?? ''),
    )
    expect(countBy(answers, ({ status }) => status)).toEqual({ 200: n })
  },
)
