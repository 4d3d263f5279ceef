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
    client.call(path.replace(':id', session.id), {
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

/** Those that need PostgreSQL to answer. */
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
  asAnyone('GET', '/.well-known/jwks.json'),
  asAnyone('GET', '/.well-known/openid-configuration'),
]
