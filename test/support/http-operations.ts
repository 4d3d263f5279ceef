/** The operations as a caller sees them who owns nothing that they are about, for tests that say something about all of them. */
import { EVERY_OPERATION, type OperationUnderTest, operationCalled } from '../operations.ts'
import { type Client, PASSWORD, type Tokens } from './client.ts'

export type Operation = {
  /** Its id, and how it is called where there is another way. */
  title: string
  method: string
  path: string
  /** The route that takes it, as the log names it; absent where that is the path. */
  route?: string
  /** What it is authorised by. */
  by: 'nothing' | 'bearer' | 'refresh token'
  /** A body that it accepts; absent where it takes none. */
  body?: (tokens: Tokens) => Record<string, unknown>
  /** What it wants besides. */
  headers?: Record<string, string>
}

/** Never a session of the caller's, so that no call ends the session that a test goes on with; nor any webhook. */
export const OTHER_ID = '00000000-0000-7000-8000-000000000000'

/** Without them a route would not look at its body. */
const HEADERS: Record<string, Record<string, string>> = {
  verifySignInLink: { cookie: `__Host-latchkey-challenge=${'A'.repeat(43)}` },
}

const BY = { anyone: 'nothing', session: 'refresh token', user: 'bearer', admin: 'bearer' } as const

function asCalled({ id, method, path, caller, hasBody, input }: OperationUnderTest): Operation {
  const at = path.replaceAll(/:\w+/g, OTHER_ID)
  // The account keeps its password, because a test goes on with it.
  const kept = id === 'changePassword' && { new_password: PASSWORD }
  const headers = HEADERS[id]
  return {
    title: id,
    method,
    path: at,
    by: BY[caller],
    ...(at !== path && { route: path }),
    ...(hasBody && { body: (tokens: Tokens) => ({ ...input(tokens), ...kept }) }),
    ...(headers && { headers }),
  }
}

const called = EVERY_OPERATION.filter(({ isPage }) => !isPage).map(asCalled)
const { body: _, ...logout } = asCalled(operationCalled('logout'))

/** Operations that take a JSON body, with fields in it. */
export const bodyOperations: readonly Operation[] = called.filter(
  ({ title, body }) => body && operationCalled(title).fields.length > 0,
)

/** Operations that an access token authorises. `logout` takes one too. */
export const bearerOperations: readonly Operation[] = [
  ...called.filter(({ by }) => by === 'bearer'),
  {
    ...asCalled(operationCalled('revokeSessions')),
    title: 'revokeSessions except=current',
    path: '/v1/sessions?except=current',
    route: '/v1/sessions',
  },
  { ...logout, title: 'logout by bearer', by: 'bearer' },
]

/** Operations whose answer is the same for everyone and may be kept. */
export const publicOperations: readonly Operation[] = called.filter(
  ({ path }) => path.startsWith('/.well-known/') || path === '/openapi.json',
)

export const allOperations: readonly Operation[] = [
  ...called.filter(({ by }) => by !== 'bearer'),
  ...bearerOperations,
]

/** Calls an operation as it wants to be called, with whatever a test adds. */
export function perform(
  client: Client,
  { method, path, by, body, headers: own }: Operation,
  tokens: Tokens,
  headers: Record<string, string> = {},
) {
  return client.call(path, {
    method,
    headers: { ...own, ...headers },
    ...(by === 'bearer' && { bearer: tokens.access_token }),
    ...(body && { json: body(tokens) }),
  })
}
