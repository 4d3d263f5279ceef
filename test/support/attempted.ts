/** A message of the queue `events` about what no one is known to have done: a call with a token that is none. */
import { randomUUID } from 'node:crypto'

export const attemptAt = (host: string) => ({
  attempt: {
    id: randomUUID(),
    host,
    type: 'access.refused',
    subject: null,
    actor: null,
    data: { operation: 'GET /v1/me', code: 'invalid_token' },
    client: {
      request_id: randomUUID(),
      address: '192.0.2.0/24',
      country: null,
      city: null,
      network: null,
      user_agent: null,
    },
    occurred_at: new Date().toISOString(),
  },
})
