/**
 * Every operation of the OpenAPI document × every kind of caller who must not have it, and then the one who may: the same
 * call, so that whatever was refused before has changed nothing that it needs. An operation that anyone may call is in a list;
 * one that is neither in it nor says who calls fails.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { PERMISSIONS } from '../../src/permissions.ts'
import { EVERY_OPERATION, type OperationUnderTest } from '../operations.ts'
import { type Client, createClient, newClient, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { plantApiKey } from '../support/planted-api-keys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const ALL = Object.keys(PERMISSIONS)
const SETTINGS = { roles: { everything: ALL }, api_key_scopes: [...ALL, 'orders:read'] }

/** Signing in and up, links that were mailed, what is public, and what a key itself proves. */
const ANYONE = [
  /^(register|login|resetPassword|forgotPassword|verifyEmail|resendVerification|acceptInvitation|restoreMe)$/,
  /^(requestSignInCode|verifySignInCode|verifySignInLink|confirmEmailChange|revertEmailChange)$/,
  /^(verifyMfa|enrolTotp|confirmEnrolment|beginMfaWithPasskey|verifyMfaWithPasskey)$/,
  /^(beginPasskeySignIn|finishPasskeySignIn|verifyApiKey)$/,
  /^(startSocialSignIn|finishSocialSignIn|finishPostedSocialSignIn|exchangeSocialSignIn)$/,
  /^(jwks|openidConfiguration|relatedOrigins|openapi|healthz|readyz|changePasswordPage|statusList|tenantLogo|requestEmailCode)$/,
]
const HOLDERS = ['refresh', 'logout']

const needsBearer = ({ caller }: OperationUnderTest) => caller === 'user' || caller === 'admin'
const takesKeys = (operation: OperationUnderTest) => operation.takesKeys === true

type Kind = {
  /** What the call carries. */
  bearer: string | null
  /** The refusal; null where this caller may. */
  refused(operation: OperationUnderTest): string | null
}

let client: Client
const kinds = new Map<string, Kind>()

const asSession = (code: string) => () => code
const asKey = (code: string | null) => (operation: OperationUnderTest) =>
  takesKeys(operation) ? code : 'api_key_not_accepted'
const ofAdmins = ({ caller }: OperationUnderTest) => (caller === 'admin' ? 'insufficient_role' : null)

const update = (table: string, set: string, id: string) =>
  service().sql(`update ${table} set ${set} where id = $1`, [id])

async function sessions(elsewhere: Client) {
  const add = async (
    title: string,
    refused: Kind['refused'],
    change?: (tokens: Tokens) => Promise<unknown>,
  ) => {
    const { tokens } = await client.newAdmin()
    await change?.(tokens)
    kinds.set(title, { bearer: tokens.access_token, refused })
  }
  const over = asSession('invalid_token')
  kinds.set('no caller', { bearer: null, refused: asSession('missing_token') })
  const { tokens: foreign } = await elsewhere.newAdmin()
  kinds.set('an administrator of another tenant', { bearer: foreign.access_token, refused: over })
  await add('a session that was revoked', over, ({ session }) =>
    update('sessions', 'revoked_at = now()', session.id),
  )
  await add('a session that expired', over, ({ session }) =>
    update('sessions', 'expires_at = now()', session.id),
  )
  await add('a disabled account', over, ({ user }) => update('users', `status = 'disabled'`, user.id))
  await add('a closed account', over, ({ user }) => update('users', 'deleted_at = now()', user.id))
  await add('a person without a role', ofAdmins, ({ user }) => update('users', `roles = '{}'`, user.id))
  await add('one of a role that allows nothing', ofAdmins, ({ user }) =>
    update('users', `roles = '{everything-else}'`, user.id),
  )
}

async function keys(elsewhere: Client) {
  const add = async (
    title: string,
    refused: Kind['refused'],
    {
      scopes = ALL,
      of = 'tenant',
      change,
    }: { scopes?: string[]; of?: 'tenant' | 'user'; change?: [string, string] } = {},
  ) => {
    const owner = of === 'user' ? (await client.newAdmin()).tokens.user.id : null
    const { id, key } = await plantApiKey(service(), client.tenant, owner, { scopes })
    if (change) await update(...change, change[0] === 'users' ? (owner ?? '') : id)
    kinds.set(title, { bearer: key, refused })
  }
  const over = asKey('invalid_token')
  await add('a key with every scope', asKey(null))
  await add('a key of an administrator', asKey(null), { of: 'user' })
  await add('a key without the scope', asKey('insufficient_scope'), { scopes: ['orders:read'] })
  await add('a key without any', asKey('insufficient_scope'), { scopes: [] })
  await add('a key that was revoked', over, { change: ['api_keys', 'revoked_at = now()'] })
  await add('a key that expired', over, { change: ['api_keys', 'expires_at = now()'] })
  await add('a key of a disabled account', over, { of: 'user', change: ['users', `status = 'disabled'`] })
  await add('a key of a closed account', over, { of: 'user', change: ['users', 'deleted_at = now()'] })
  await add('a key of one who was demoted', asKey('insufficient_scope'), {
    of: 'user',
    change: ['users', `roles = '{}'`],
  })
  const { key } = await plantApiKey(service(), elsewhere.tenant, null, { scopes: ALL })
  kinds.set('a key of another tenant', { bearer: key, refused: over })
}

beforeAll(async () => {
  client = await newClient(service(), { settings: SETTINGS })
  const elsewhere = await newClient(service(), { settings: SETTINGS })
  await sessions(elsewhere)
  await keys(elsewhere)
})

describe('administration 5: every operation, by everyone who may not', () => {
  test.each(EVERY_OPERATION.filter(needsBearer).map((operation) => [operation.name, operation] as const))(
    '%s',
    async (_, operation) => {
      const own = createClient(service(), client.tenant) // an address has limits
      const { tokens } = await (operation.caller === 'admin' ? own.newAdmin() : own.newAccount())
      const call = await operation.prepare(own, tokens)
      const { isMade, needsFactor, purpose } = operation
      for (const [title, { bearer, refused }] of kinds) {
        const code = refused(operation)
        if (code === null) continue
        // An address that is mailed has a limit of its own: each call that needs nothing planted is a new one.
        const answer = await (isMade || needsFactor || purpose ? call : await operation.prepare(own, tokens))(
          bearer,
        )
        expect({ title, status: answer.status, code: (answer.body as { code?: string }).code }).toMatchObject(
          { code, title },
        )
        expectProblem(
          answer as Parameters<typeof expectProblem>[0],
          code as Parameters<typeof expectProblem>[1],
        )
      }
      expect(operation.successes, 'the one who may').toContain((await call()).status)
    },
  )

  test.each(EVERY_OPERATION.filter(takesKeys).map((operation) => [operation.name, operation] as const))(
    '%s, with a key that has its scope',
    async (_, operation) => {
      for (const title of ['a key with every scope', 'a key of an administrator']) {
        const own = createClient(service(), client.tenant)
        const { tokens } = await own.newAdmin()
        const call = await operation.prepare(own, tokens)
        expect(operation.successes, title).toContain((await call(kinds.get(title)?.bearer)).status)
      }
    },
  )
})

test('administration 5: an operation says who may call it, or is one that anyone may', () => {
  const unsaid = EVERY_OPERATION.filter(
    (operation) =>
      !needsBearer(operation) &&
      !operation.isPage &&
      !HOLDERS.includes(operation.id) &&
      !ANYONE.some((ids) => ids.test(operation.id)),
  )
  expect(unsaid.map(({ id }) => id)).toEqual([])
})

test('L04: keys reach nothing of an account: no session, factor, password, address, key or person', () => {
  expect(EVERY_OPERATION.filter((operation) => takesKeys(operation) && operation.stepUp)).toEqual([])
  const paths = EVERY_OPERATION.filter(takesKeys).map(({ path }) => path)
  expect(
    paths.filter((path) => !/^\/v1\/(webhooks(\/|$)|admin\/(providers|users\/:id\/metadata)$)/.test(path)),
  ).toEqual([])
})
