/** Every operation, as a signed-in caller would call it: for tests that hold all of them to one rule. */
import { type Answer, type Client, newEmail, PASSWORD, type Tokens } from './client.ts'

export type OperationUnderTest = {
  name: string
  method: string
  path: string
  call(client: Client, tokens: Tokens): Promise<Answer<unknown>>
}

const asBearer = (method: string, path: string, json?: unknown): OperationUnderTest => ({
  name: `${method} ${path}`,
  method,
  path,
  call: (client, { access_token, session }) =>
    client.call(path.replace(':id', session.id).replace(':delivery_id', session.id), {
      method,
      bearer: access_token,
      ...(json !== undefined && { json }),
    }),
})

const asAnyone = (
  method: string,
  path: string,
  body?: (tokens: Tokens) => Record<string, unknown>,
): OperationUnderTest => ({
  name: `${method} ${path}`,
  method,
  path,
  call: (client, tokens) => client.call(path, { method, ...(body && { json: body(tokens) }) }),
})

/** Those that need PostgreSQL to answer. The administrator's are of `client.newAdmin()`. */
export const OPERATIONS: OperationUnderTest[] = [
  asAnyone('POST', '/v1/register', () => ({ email: newEmail(), password: PASSWORD })),
  asAnyone('POST', '/v1/login', ({ user }) => ({ email: user.email, password: PASSWORD })),
  asAnyone('POST', '/v1/refresh', ({ refresh_token }) => ({ refresh_token })),
  asAnyone('POST', '/v1/logout', ({ refresh_token }) => ({ refresh_token })),
  asBearer('GET', '/v1/sessions'),
  asBearer('DELETE', '/v1/sessions/:id'),
  asBearer('DELETE', '/v1/sessions'),
  asBearer('GET', '/v1/me'),
  asBearer('PATCH', '/v1/me', { name: 'Ada' }),
  asBearer('GET', '/v1/admin/audit-events'),
  asBearer('POST', '/v1/webhooks', { url: 'http://127.0.0.1:9/other', events: ['user.registered'] }),
  asBearer('GET', '/v1/webhooks'),
  asBearer('GET', '/v1/webhooks/:id'),
  asBearer('PATCH', '/v1/webhooks/:id', { description: 'Ours' }),
  asBearer('DELETE', '/v1/webhooks/:id'),
  asBearer('POST', '/v1/webhooks/:id/rotate-secret'),
  asBearer('POST', '/v1/webhooks/:id/test'),
  asBearer('GET', '/v1/webhooks/:id/deliveries'),
  asBearer('POST', '/v1/webhooks/:id/deliveries/replay', { since: '2026-01-01T00:00:00Z' }),
  asBearer('POST', '/v1/webhooks/:id/deliveries/:delivery_id/replay'),
  asAnyone('GET', '/.well-known/jwks.json'),
  asAnyone('GET', '/.well-known/openid-configuration'),
]
