/**
 * Every operation of the service, once, for tests that hold all of them to one rule: what it is says the OpenAPI document,
 * and what a caller sends is its example. INPUTS has what no example can know: addresses and tokens of a test's own.
 */
import { readFileSync } from 'node:fs'
import { DOCUMENT } from '../ops/openapi.ts'
import type { Description } from '../src/description.ts'
import type { LimitedOperation, Policy } from '../src/limits/limits.ts'
import type { OneTimePurpose } from '../src/one-time/purposes.ts'
import { userHandleOf } from '../src/passkeys/user-handle.ts'
import { codeAt, type PlantedFactor } from './support/authenticator.ts'
import { type Answer, type CallOptions, type Client, newEmail, type Tokens } from './support/client.ts'
import type { Mailed } from './support/mailed.ts'
import { createPasskey, unknownCredential, usePasskey } from './support/passkey-authenticator.ts'

/** As far as tests look into it. */
export type JsonSchema = {
  type?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: JsonSchema[]
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
  required?: string[]
}

type Media = Record<string, { schema: JsonSchema; example?: Fields }>
type Answered = {
  headers?: Record<string, unknown>
  content?: Record<string, { schema?: { allOf?: { properties?: { code?: { enum?: string[] } } }[] } }>
}
type Documented = {
  operationId: string
  requestBody?: { required: boolean; content: Media }
  parameters: { name: string; in: string; schema: JsonSchema }[]
  responses: Record<string, Answered | { $ref: string }>
  'x-latchkey': Pick<Description, 'caller' | 'budget'> & {
    worker: string
    stepUp: boolean
    idempotencyKey: boolean
    isPage: boolean
    limits: Policy & { row: LimitedOperation }
  }
}
type Fields = Record<string, unknown>

const document: {
  paths: Record<string, Record<string, Documented>>
  components: { responses: Record<string, Answered> }
} = JSON.parse(readFileSync(DOCUMENT, 'utf8'))

/** A one-time token of the right form that no one was mailed, and a code. */
export const NEVER_MAILED = { id: '', token: `lko_${'A'.repeat(43)}`, code: '123456', cookie: '' }

/** An app that no account has. */
const NEVER_PLANTED: PlantedFactor = {
  factorId: '00000000-0000-7000-8000-000000000000',
  secret: 'A'.repeat(32),
  mfaToken: `lkm_${'A'.repeat(43)}`,
}

const NEW_PASSWORD = 'new battery staple'
const BROWSER = { 'sec-fetch-site': 'same-origin' }

type Input = {
  /** The mailed token that it takes. */
  purpose?: OneTimePurpose
  /** The authenticator app that its account has. */
  factor?: { isConfirmed?: boolean; purpose?: 'sign_in' | 'enrol' }
  /** In place of what the example has. */
  fields?: (tokens: Tokens, mailed: Mailed, factor: PlantedFactor) => Fields
  /** Fields of the example that do not go with those. */
  without?: readonly string[]
  headers?: (mailed: Mailed) => Record<string, string>
  /** What is made for one call alone: the id in its path, and fields and headers in place of the others. */
  make?: (client: Client, tokens: Tokens) => Promise<Made>
}

type Made = { id?: string; fields?: Fields; headers?: Record<string, string> }

const ENROLLING = { isConfirmed: false, purpose: 'enrol' } as const

const ownPasskey = async (client: Client, tokens: Tokens): Promise<Made> => ({
  id: (await client.plantedPasskey(tokens)).id,
})

async function madeByAuthenticator(client: Client, { user }: Tokens): Promise<Made> {
  const { challenge, cookie } = await client.plantedCeremony({ kind: 'register', userId: user.id })
  const { hostname } = new URL(client.tenant.origin)
  const asked = { rp: { id: hostname }, user: { id: userHandleOf(user.id) }, challenge }
  const { credential } = createPasskey(asked, client.tenant.origin)
  return { fields: { credential }, headers: { cookie } }
}

async function signedByPasskey(client: Client, { user }: Tokens): Promise<Made> {
  const { challenge, cookie } = await client.plantedCeremony({ kind: 'sign_in', userId: null })
  const { passkey } = await client.plantedPasskey({ user })
  const credential = usePasskey(passkey, { challenge }, client.tenant.origin)
  return { fields: { credential }, headers: { cookie } }
}

const INPUTS: Record<string, Input> = {
  register: { fields: () => ({ email: newEmail() }) },
  requestEmailChange: { fields: () => ({ email: newEmail() }) },
  createInvitation: { fields: () => ({ email: newEmail() }) },
  importUsers: { fields: () => ({ users: [{ email: newEmail() }] }) },
  createWebhook: { fields: () => ({ url: 'http://127.0.0.1:9/other', events: ['user.registered'] }) },
  updateWebhook: { fields: () => ({ description: 'Ours' }), without: ['url', 'events', 'state'] },
  replayWebhookDeliveries: { fields: () => ({ since: '2026-01-01T00:00:00Z' }) },
  resetPassword: { purpose: 'reset_password', fields: () => ({ password: NEW_PASSWORD }) },
  acceptInvitation: { purpose: 'invitation', fields: () => ({ password: NEW_PASSWORD }) },
  verifyEmail: { purpose: 'verify_email', without: ['new_password'] },
  confirmEmailChange: { purpose: 'change_email_old' },
  revertEmailChange: { purpose: 'revert_email' },
  restoreMe: { purpose: 'restore_account' },
  verifySignInCode: { purpose: 'sign_in', fields: (_, { code }) => ({ code }) },
  verifySignInLink: { purpose: 'sign_in', headers: ({ cookie }) => ({ ...BROWSER, cookie }) },
  verifyEmailPage: { purpose: 'verify_email', without: ['new_password'] },
  resetPasswordPage: { purpose: 'reset_password', fields: () => ({ password: NEW_PASSWORD }) },
  acceptInvitationPage: { purpose: 'invitation', fields: () => ({ password: NEW_PASSWORD }) },
  changeEmailPage: { purpose: 'change_email_old' },
  revertEmailPage: { purpose: 'revert_email' },
  restoreAccountPage: { purpose: 'restore_account' },
  signInPage: { purpose: 'sign_in', without: ['code'] },
  verifyMfa: {
    factor: {},
    fields: (_, __, { mfaToken, secret }) => ({ mfa_token: mfaToken, method: 'totp', code: codeAt(secret) }),
  },
  enrolTotp: { factor: ENROLLING, fields: (_, __, { mfaToken }) => ({ mfa_token: mfaToken }) },
  confirmEnrolment: {
    factor: ENROLLING,
    fields: (_, __, { mfaToken, factorId, secret }) => ({
      mfa_token: mfaToken,
      factor_id: factorId,
      code: codeAt(secret),
    }),
  },
  stepUp: { factor: {}, fields: (_, __, { secret }) => ({ method: 'totp', code: codeAt(secret) }) },
  addTotp: { factor: { isConfirmed: false } },
  confirmTotp: {
    factor: { isConfirmed: false },
    fields: (_, __, { factorId, secret }) => ({ factor_id: factorId, code: codeAt(secret) }),
  },
  removeTotp: { factor: {} },
  replaceRecoveryCodes: { factor: {} },
  finishPasskeyRegistration: {
    fields: () => ({ credential: unknownCredential('webauthn.create') }),
    without: ['name'],
    make: madeByAuthenticator,
  },
  finishPasskeySignIn: {
    fields: () => ({ credential: unknownCredential('webauthn.get') }),
    make: signedByPasskey,
  },
  renamePasskey: { fields: () => ({ name: 'Laptop' }), make: ownPasskey },
  deletePasskey: { make: ownPasskey },
}

export type OperationUnderTest = Documented['x-latchkey'] & {
  id: string
  /** `GET /v1/sessions/:id` */
  name: string
  method: string
  path: string
  hasBody: boolean
  bodyIsOptional: boolean
  bodySchema: JsonSchema
  /** Every field of its body, and those that must be there. */
  fields: string[]
  required: string[]
  query: { name: string; schema: JsonSchema }[]
  /** What success looks like. */
  successes: number[]
  setsCookie: boolean
  /** The codes of what it may refuse, and of our own faults. */
  problems: string[]
  /** The fields that a call sends; `mailed` is what `purpose` wants. */
  input(tokens: Tokens, mailed?: Mailed, factor?: PlantedFactor): Fields
  headers(mailed: Mailed): Record<string, string>
  purpose: OneTimePurpose | null
  /** Whether it is of an account that has an app. */
  needsFactor: boolean
  /** Whether a call needs what is made for it alone. */
  isMade: boolean
  /** Makes what the call needs to be there. @returns the call itself */
  prepare(client: Client, tokens: Tokens): Promise<() => Promise<Answer<unknown>>>
  /** As a caller of its kind calls it. `:id` is that of the caller's session, which `newAdmin` gives a webhook too. */
  call(client: Client, tokens: Tokens): Promise<Answer<unknown>>
}

export const EVERY_OPERATION: readonly OperationUnderTest[] = Object.entries(document.paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, documented]) => underTest(path, method, documented)),
)

export function operationCalled(id: string): OperationUnderTest {
  const found = EVERY_OPERATION.find((operation) => operation.id === id)
  if (!found) throw new Error(`no operation is called ${id}`)
  return found
}

function underTest(
  documentedPath: string,
  documentedMethod: string,
  documented: Documented,
): OperationUnderTest {
  const { operationId: id, requestBody, parameters, responses, 'x-latchkey': rest } = documented
  const method = documentedMethod.toUpperCase()
  const path = documentedPath.replaceAll(/\{(\w+)\}/g, ':$1')
  const [[type, media] = ['', undefined]] = Object.entries(requestBody?.content ?? {})
  // A page and its form are of one link.
  const {
    purpose = null,
    factor,
    fields,
    without = [],
    headers = () => ({}),
    make,
  } = INPUTS[id.replace(/Form$/, '')] ?? {}
  const input: OperationUnderTest['input'] = (tokens, mailed = NEVER_MAILED, planted = NEVER_PLANTED) => {
    const kept = Object.entries(media?.example ?? {}).filter(([name]) => !without.includes(name))
    const own = { email: tokens.user.email, token: mailed.token, refresh_token: tokens.refresh_token }
    const ofTest = Object.entries(own).filter(([name]) => media?.example && name in media.example)
    return { ...Object.fromEntries([...kept, ...ofTest]), ...fields?.(tokens, mailed, planted) }
  }
  const optionsOf = (tokens: Tokens, mailed: Mailed, planted: PlantedFactor): CallOptions => ({
    method,
    ...(/^(user|admin)$/.test(rest.caller) && { bearer: tokens.access_token }),
    ...(type === 'application/json' && { json: input(tokens, mailed, planted) }),
    ...(type === FORM && { body: formOf(input(tokens, mailed, planted)) }),
    headers: {
      ...(type === FORM && { ...BROWSER, 'content-type': FORM, cookie: mailed.cookie }),
      ...headers(mailed),
    },
  })
  const prepare: OperationUnderTest['prepare'] = async (client, tokens) => {
    const closed = purpose === 'restore_account'
    const mailed = purpose ? await client.plant(purpose, tokens, { closed }) : NEVER_MAILED
    const planted = factor ? await client.withFactor(tokens, factor) : NEVER_PLANTED
    const query = purpose && method === 'GET' ? `?token=${mailed.token}` : ''
    const made = (await make?.(client, tokens)) ?? {}
    const at = path.replaceAll(/:\w+/g, made.id ?? tokens.session.id)
    const options = optionsOf(tokens, mailed, planted)
    const json = made.fields && { json: { ...input(tokens, mailed, planted), ...made.fields } }
    const all = { ...options, ...json, headers: { ...options.headers, ...made.headers } }
    return () => client.call(`${at}${query}`, all)
  }
  return {
    ...rest,
    id,
    name: `${method} ${path}`,
    method,
    path,
    hasBody: type === 'application/json',
    bodyIsOptional: requestBody?.required === false,
    bodySchema: media?.schema ?? {},
    fields: Object.keys(media?.schema.properties ?? {}),
    required: media?.schema.required ?? [],
    query: parameters.filter((parameter) => parameter.in === 'query'),
    successes: Object.keys(responses)
      .map(Number)
      .filter((status) => status < 400),
    setsCookie: Object.values(responses).some((response) => headerNamesOf(response).includes('Set-Cookie')),
    problems: Object.values(responses).flatMap(codesOf),
    input,
    headers,
    purpose,
    needsFactor: factor !== undefined,
    isMade: make !== undefined,
    prepare,
    call: async (client, tokens) => (await prepare(client, tokens))(),
  }
}

function headerNamesOf(response: Answered | { $ref: string }): string[] {
  return '$ref' in response ? [] : Object.keys(response.headers ?? {})
}

function codesOf(response: Answered | { $ref: string }): string[] {
  const answered =
    '$ref' in response ? document.components.responses[response.$ref.split('/').at(-1) ?? ''] : response
  const problem = answered?.content?.['application/problem+json']
  return problem?.schema?.allOf?.flatMap(({ properties }) => properties?.code?.enum ?? []) ?? []
}

const FORM = 'application/x-www-form-urlencoded'
const formOf = (fields: Fields) => new URLSearchParams(fields as Record<string, string>).toString() // a form has texts
