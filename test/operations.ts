/**
 * Every operation of the service, once, for tests that hold all of them to one rule: what it is says the OpenAPI document,
 * and what a caller sends is its example. INPUTS has what no example can know: addresses and tokens of a test's own.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { DOCUMENT } from '../ops/openapi.ts'
import type { Description } from '../src/description.ts'
import type { LimitedOperation, Policy } from '../src/limits/limits.ts'
import type { OneTimePurpose } from '../src/one-time/purposes.ts'
import { userHandleOf } from '../src/passkeys/user-handle.ts'
import { codeAt, hashOfMfaToken, type PlantedFactor } from './support/authenticator.ts'
import { type Answer, type CallOptions, type Client, newEmail, type Tokens } from './support/client.ts'
import type { Mailed } from './support/mailed.ts'
import { createPasskey, unknownCredential, usePasskey } from './support/passkey-authenticator.ts'
import { PLANTED_RETURN } from './support/planted-social.ts'

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
  'x-latchkey': Pick<Description, 'caller' | 'permission' | 'budget'> & {
    takesKeys?: boolean
    worker: string
    maxBodyBytes?: number
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

type Made = { id?: string; query?: Record<string, string>; fields?: Fields; headers?: Record<string, string> }

const RETURN = { redirect_uri: PLANTED_RETURN }
const CHALLENGE = 'A'.repeat(43)

const ENROLLING = { isConfirmed: false, purpose: 'enrol' } as const

const ownPasskey = async (client: Client, tokens: Tokens): Promise<Made> => ({
  id: (await client.plantedPasskey(tokens)).id,
})

const trustedDevice = async (client: Client, tokens: Tokens): Promise<Made> => ({
  id: (await client.plantedTrust(tokens)).id,
})

const self = async (_: Client, { user }: Tokens): Promise<Made> => ({ id: user.id })

const ownApiKey = async (client: Client, tokens: Tokens): Promise<Made> => ({
  id: (await client.plantedApiKey(tokens)).id,
})

const ownerOfFactor = async (client: Client, { user }: Tokens): Promise<Made> => {
  await client.withFactor({ user })
  return { id: user.id }
}

const ownerOfRemoval = async (client: Client, tokens: Tokens): Promise<Made> => {
  await client.plantedRemoval(tokens)
  return { id: tokens.user.id }
}

const waitingSignIn = async (client: Client, tokens: Tokens): Promise<Made> => ({
  fields: { mfa_token: await client.mailableSignIn(tokens) },
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

/** A passkey that is a second factor, and an app: so that a session has passed something besides. */
async function passkeyAsFactor(client: Client, tokens: Tokens): Promise<Made> {
  const { mfaToken } = await client.withFactor(tokens)
  const { id } = await client.plantedPasskey(tokens, { isSecondFactor: true })
  return { id, fields: { mfa_token: mfaToken } }
}

async function provedPasskey(client: Client, tokens: Tokens): Promise<Made> {
  await client.withFactor(tokens)
  return ownPasskey(client, tokens)
}

async function signedAsFactor(client: Client, tokens: Tokens): Promise<Made> {
  const { mfaToken } = await client.withFactor(tokens)
  const token = hashOfMfaToken(mfaToken)
  const { challenge, cookie } = await client.plantedCeremony({ kind: 'second_factor', token })
  const { passkey } = await client.plantedPasskey(tokens, { isSecondFactor: true })
  const credential = usePasskey(passkey, { challenge }, client.tenant.origin)
  return { fields: { mfa_token: mfaToken, credential }, headers: { cookie } }
}

async function signedForStepUp(client: Client, { user }: Tokens): Promise<Made> {
  const { challenge, cookie } = await client.plantedCeremony({ kind: 'step_up', userId: user.id })
  const { passkey } = await client.plantedPasskey({ user })
  const credential = usePasskey(passkey, { challenge }, client.tenant.origin)
  return { fields: { credential }, headers: { cookie } }
}

async function toProvider(client: Client): Promise<Made> {
  const { slug } = await client.plantedSocial.provider()
  return { id: slug, query: { ...RETURN, code_challenge: CHALLENGE } }
}

/** Back from a provider, where the person has agreed. */
async function fromProvider(client: Client, tokens: Tokens) {
  const { slug, returned, browser } = await client.plantedSocial.agreement(tokens)
  return { id: slug, returned, browser }
}

/** A form of a page that anyone may be shown, and one of the account's own. */
const form = async (client: Client): Promise<Made> => client.pageForm(null)
const ownForm = async (client: Client, tokens: Tokens): Promise<Made> => client.pageForm(tokens)

/** A form about one thing of the account, made for this call. */
async function withId(
  client: Client,
  tokens: Tokens,
  field: string,
  make: (client: Client, tokens: Tokens) => Promise<Made>,
): Promise<Made> {
  const { id = '' } = await make(client, tokens)
  const made = await client.pageForm(tokens)
  return { ...made, fields: { ...made.fields, [field]: id } }
}

/** A form of the console, on an account of the tenant. */
const onAccount =
  (planting: Parameters<Client['plantedAccount']>[0] = {}) =>
  async (client: Client, tokens: Tokens): Promise<Made> => ({
    ...(await client.pageForm(tokens)),
    id: (await client.plantedAccount(planting)).id,
  })

/** A form of the console, on a provider or on a key of the tenant. */
const onProvider = async (client: Client, tokens: Tokens): Promise<Made> => ({
  ...(await client.pageForm(tokens)),
  id: (await client.plantedSocial.provider()).id,
})
const onTenantKey = async (client: Client, tokens: Tokens): Promise<Made> => ({
  ...(await client.pageForm(tokens)),
  id: (await client.plantedTenantKey()).id,
})

/** What the script of a page fills in, with the form of that page. */
async function withForm(
  client: Client,
  tokens: Tokens,
  make: (client: Client, tokens: Tokens) => Promise<Made>,
): Promise<Made> {
  const { fields, headers } = await make(client, tokens)
  const own = await client.pageForm(tokens)
  const anyones = await client.pageForm(null)
  const isOwn = make === madeByAuthenticator || make === signedForStepUp
  const form = isOwn ? own : anyones
  return {
    fields: { ...fields, ...form.fields, credential: JSON.stringify(fields?.credential) },
    headers: { cookie: `${headers?.cookie}; ${form.headers.cookie}` },
  }
}

const INPUTS: Record<string, Input> = {
  passwordSignInPage: { make: form },
  signUpPage: { fields: () => ({ email: newEmail() }), without: ['name'], make: form },
  emailCodePage: { make: form },
  enterCodePage: { purpose: 'sign_in', fields: (_, { code }) => ({ code }), make: form },
  secondFactorPage: {
    factor: {},
    without: ['methods', 'trust_device', 'status'],
    fields: (_, __, { mfaToken, secret }) => ({ mfa_token: mfaToken, code: codeAt(secret) }),
    make: form,
  },
  continuePage: {
    make: async (client, tokens) => {
      await client.plantedSocial.provider()
      return { ...(await client.pageForm(tokens)), query: { ...RETURN, code_challenge: CHALLENGE } }
    },
  },
  signOutPage: { make: ownForm },
  stepUpPage: { without: ['email'], make: ownForm },
  stepUpCodePage: { factor: {}, fields: (_, __, { secret }) => ({ code: codeAt(secret) }), make: ownForm },
  stepUpPasskeyPage: {
    fields: () => ({ credential: JSON.stringify(unknownCredential('webauthn.get')) }),
    make: (client, tokens) => withForm(client, tokens, signedForStepUp),
  },
  stepUpPasskeyOptionsPage: {
    without: ['credential'],
    make: async (client, tokens) => {
      await client.plantedPasskey(tokens)
      return client.pageForm(tokens)
    },
  },
  stepUpProviderPage: {
    make: async (client, tokens) => {
      const { slug: provider } = await client.plantedSocial.trustedProvider()
      const made = await client.pageForm(tokens)
      return { ...made, fields: { ...made.fields, provider } }
    },
  },
  accountOverviewPage: { make: (client, tokens) => client.pageForm(tokens, { isOld: true }) },
  accountProfilePage: { without: ['locale', 'operational_mail'], make: ownForm },
  accountPasswordPage: {
    fields: () => ({ new_password: NEW_PASSWORD }),
    without: ['email'],
    make: ownForm,
  },
  accountEmailPage: { fields: () => ({ email: newEmail() }), make: ownForm },
  accountDevicesPage: { fields: ({ session }) => ({ session_id: session.id }), make: ownForm },
  accountOtherDevicesPage: { make: ownForm },
  accountDataPage: { make: ownForm },
  accountClosePage: {
    make: async (client, tokens) => {
      await client.plantedAccount({ roles: ['admin'] }) // the last administrator cannot leave
      return client.pageForm(tokens)
    },
  },
  accountAuthenticatorPage: { factor: { isConfirmed: false }, make: ownForm },
  accountAuthenticatorCodePage: {
    factor: { isConfirmed: false },
    fields: (_, __, { factorId, secret }) => ({ factor_id: factorId, code: codeAt(secret) }),
    make: ownForm,
  },
  accountAuthenticatorRemovePage: { factor: {}, make: ownForm },
  accountRecoveryCodesPage: { factor: {}, make: ownForm },
  accountPasskeysPage: {
    fields: () => ({ credential: JSON.stringify(unknownCredential('webauthn.create')) }),
    make: (client, tokens) => withForm(client, tokens, madeByAuthenticator),
  },
  accountPasskeyOptionsPage: { without: ['credential'], make: ownForm },
  accountPasskeyRemovePage: {
    make: async (client, tokens) => {
      const { id: passkey_id } = await client.plantedPasskey(tokens)
      const made = await client.pageForm(tokens)
      return { ...made, fields: { ...made.fields, passkey_id } }
    },
  },
  accountIdentitiesPage: {
    make: async (client, tokens) => {
      const { id: identity_id } = await client.plantedSocial.identity(tokens)
      const made = await client.pageForm(tokens)
      return { ...made, fields: { ...made.fields, identity_id } }
    },
  },
  accountIdentityLinkPage: {
    make: async (client, tokens) => {
      const { slug: provider } = await client.plantedSocial.provider()
      const made = await client.pageForm(tokens)
      return { ...made, fields: { ...made.fields, provider } }
    },
  },
  enrolPage: {
    factor: ENROLLING,
    fields: (_, __, { mfaToken }) => ({ mfa_token: mfaToken }),
    make: form,
  },
  enrolCodePage: {
    factor: ENROLLING,
    fields: (_, __, { mfaToken, factorId, secret }) => ({
      mfa_token: mfaToken,
      factor_id: factorId,
      code: codeAt(secret),
    }),
    make: form,
  },
  passkeySignInPage: {
    fields: () => ({ credential: JSON.stringify(unknownCredential('webauthn.get')) }),
    make: (client, tokens) => withForm(client, tokens, signedByPasskey),
  },
  accountApiKeysPage: { make: (client, tokens) => withId(client, tokens, 'key_id', ownApiKey) },
  accountApiKeyAddPage: { without: ['days'], fields: () => ({ 'scope orders:read': 'on' }), make: ownForm },
  accountTrustedDevicesPage: { make: ownForm },
  accountTrustedDeviceRemovePage: {
    make: (client, tokens) => withId(client, tokens, 'device_id', trustedDevice),
  },
  accountPasskeyFactorPage: { make: (client, tokens) => withId(client, tokens, 'passkey_id', provedPasskey) },
  accountPasskeyFactorRemovePage: {
    make: (client, tokens) => withId(client, tokens, 'passkey_id', passkeyAsFactor),
  },
  passkeySecondFactorPage: {
    fields: () => ({
      mfa_token: NEVER_PLANTED.mfaToken,
      credential: JSON.stringify(unknownCredential('webauthn.get')),
    }),
    without: ['methods', 'trust_device'],
    make: (client, tokens) => withForm(client, tokens, signedAsFactor),
  },
  consoleOverviewPage: { make: ownForm },
  consoleAuditPage: { make: ownForm },
  consoleAuditExportPage: {
    without: ['type', 'subject', 'actor', 'session', 'address', 'from', 'to'],
    make: ownForm,
  },
  consoleWebhooksPage: { make: ownForm },
  consoleWebhookPage: { make: ownForm },
  consoleWebhookTestPage: { make: ownForm },
  consoleWebhookReplayPage: {
    without: ['all'],
    fields: () => ({ since: '2026-01-01T00:00' }),
    make: ownForm,
  },
  consoleWebhookReplayOnePage: { fields: ({ session }) => ({ delivery_id: session.id }), make: ownForm },
  consoleUsersPage: { make: ownForm },
  consoleUserPage: { make: onAccount() },
  consoleUserDisablePage: { make: onAccount() },
  consoleUserEnablePage: { make: onAccount({ status: 'disabled' }) },
  consoleUserEndSessionsPage: { make: onAccount() },
  consoleUserSendResetPage: { make: onAccount() },
  consoleUserClosePage: { make: onAccount() },
  consoleUserRestorePage: { make: onAccount({ status: 'closed' }) },
  consoleUserVerifyEmailPage: { without: ['keep'], make: onAccount({ isProved: false }) },
  consoleUserRolesPage: {
    without: ['revoke'],
    fields: () => ({ grant: 'editor' }),
    make: onAccount(),
  },
  consoleProvidersPage: { make: ownForm },
  consoleProviderEnablePage: { make: onProvider },
  consoleProviderDisablePage: { make: onProvider },
  consoleRolesPage: { make: ownForm },
  consoleKeysPage: { make: ownForm },
  consoleKeyRevokePage: { make: onTenantKey },
  consoleSettingsPage: { make: ownForm },
  consoleLogoPage: { without: ['remove'], make: ownForm },
  consoleSettingPage: {
    fields: () => ({ settings: '7' }),
    make: async (client, tokens) => ({ ...(await client.pageForm(tokens)), id: 'erasure_days' }),
  },
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
  signInPage: { purpose: 'sign_in' },
  verifyMfa: {
    factor: {},
    without: ['trust_device'],
    fields: (_, __, { mfaToken, secret }) => ({ mfa_token: mfaToken, method: 'totp', code: codeAt(secret) }),
  },
  requestEmailCode: { fields: () => ({ mfa_token: NEVER_PLANTED.mfaToken }), make: waitingSignIn },
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
  removeTrustedDevice: { make: trustedDevice },
  finishPasskeyRegistration: {
    fields: () => ({ credential: unknownCredential('webauthn.create') }),
    without: ['name'],
    make: madeByAuthenticator,
  },
  finishPasskeySignIn: {
    fields: () => ({ credential: unknownCredential('webauthn.get') }),
    make: signedByPasskey,
  },
  startSecondFactorRemoval: { fields: () => ({ reason: 'lost the phone' }), make: ownerOfFactor },
  cancelSecondFactorRemoval: { make: ownerOfRemoval },
  renamePasskey: { fields: () => ({ name: 'Laptop' }), make: ownPasskey },
  deletePasskey: { make: ownPasskey },
  addPasskeyFactor: { make: provedPasskey },
  removePasskeyFactor: { make: async (...of) => ({ id: (await passkeyAsFactor(...of)).id ?? '' }) },
  beginMfaWithPasskey: {
    fields: () => ({ mfa_token: NEVER_PLANTED.mfaToken }),
    make: passkeyAsFactor,
  },
  verifyMfaWithPasskey: {
    without: ['trust_device'],
    fields: () => ({ mfa_token: NEVER_PLANTED.mfaToken, credential: unknownCredential('webauthn.get') }),
    make: signedAsFactor,
  },
  beginStepUpWithPasskey: { make: ownPasskey },
  stepUpWithPasskey: {
    fields: () => ({ credential: unknownCredential('webauthn.get') }),
    make: signedForStepUp,
  },
  createProvider: {
    fields: () => ({
      slug: `idp-${newEmail().slice(0, 8)}`,
      kind: 'github',
      scopes: ['user:email'],
      allowed_domains: [],
    }),
    without: ['issuer', 'settings'],
  },
  updateProvider: {
    fields: () => ({ scopes: ['user:email'], allowed_domains: ['example.com'] }),
    make: async (client) => ({ id: (await client.plantedSocial.provider()).id }),
  },
  deleteProvider: { make: async (client) => ({ id: (await client.plantedSocial.provider()).id }) },
  startSocialSignIn: { make: toProvider },
  finishSocialSignIn: {
    make: async (client, tokens) => {
      const { id, returned, browser } = await fromProvider(client, tokens)
      return { id, query: returned, headers: { cookie: `__Host-latchkey-oauth=${browser}` } }
    },
  },
  finishPostedSocialSignIn: {
    make: async (client, tokens) => {
      const { id, returned, browser } = await fromProvider(client, tokens)
      return { id, fields: returned, headers: { cookie: `__Host-latchkey-oauth-post=${browser}` } }
    },
  },
  exchangeSocialSignIn: {
    fields: () => ({ code: CHALLENGE, code_verifier: CHALLENGE }),
    make: async (client, tokens) => {
      const { code, verifier } = await client.plantedSocial.exchange(tokens)
      return { fields: { code, code_verifier: verifier } }
    },
  },
  linkIdentity: {
    fields: () => RETURN,
    without: ['app_state'],
    make: async (client) => ({ id: (await client.plantedSocial.provider()).slug, fields: RETURN }),
  },
  // The last administrator may not.
  deleteMe: { make: async (client) => ({ id: (await client.plantedAccount({ roles: ['admin'] })).id }) },
  impersonateUser: {
    fields: () => ({ user_id: '01922c3e-7a51-7c4e-9f0a-3b6d5c8e2f10', reason: 'ticket 7' }),
    make: async (client) => {
      await client.allowingImpersonation()
      return { fields: { user_id: (await client.plantedAccount()).id } }
    },
  },
  tenantLogo: { make: async (client) => ({ id: await client.plantedLogo() }) },
  updateTenant: { fields: () => ({ name: 'Acme' }), without: ['settings'] },
  listAuditEvents: {
    make: async (client) => {
      await client.plantedAudit()
      return {}
    },
  },
  createUser: { fields: () => ({ email: newEmail() }) },
  changeUserRoles: {
    fields: () => ({ grant: ['editor'], revoke: [] }),
    make: async (client) => ({ id: (await client.plantedAccount()).id }),
  },
  verifyUserEmail: {
    fields: () => ({ credentials: 'keep' }),
    make: async (client) => ({ id: (await client.plantedAccount({ isProved: false })).id }),
  },
  sendUserReset: { make: async (client) => ({ id: (await client.plantedAccount()).id }) },
  closeUser: { make: async (client) => ({ id: (await client.plantedAccount()).id }) },
  restoreUser: { make: async (client) => ({ id: (await client.plantedAccount({ status: 'closed' })).id }) },
  eraseUser: { make: async (client) => ({ id: (await client.plantedAccount({ status: 'closed' })).id }) },
  readUser: { make: async (client) => ({ id: (await client.plantedAccount()).id }) },
  disableUser: { make: async (client) => ({ id: (await client.plantedAccount()).id }) },
  enableUser: { make: async (client) => ({ id: (await client.plantedAccount({ status: 'disabled' })).id }) },
  endUserSessions: { make: async (client) => ({ id: (await client.plantedAccount()).id }) },
  stepUpAtProvider: {
    fields: () => RETURN,
    without: ['app_state'],
    make: async (client) => ({ id: (await client.plantedSocial.trustedProvider()).slug, fields: RETURN }),
  },
  unlinkIdentity: {
    make: async (client, tokens) => ({ id: (await client.plantedSocial.identity(tokens)).id }),
  },
  readUserMetadata: { make: self },
  updateUserMetadata: {
    fields: () => ({ private_metadata: { plan: 'team' } }),
    without: ['external_id'],
    make: self,
  },
  importApiKeys: {
    fields: () => ({
      keys: [{ sha256: randomBytes(32).toString('hex'), name: 'Old', scopes: ['orders:read'] }],
    }),
  },
  renameApiKey: { fields: () => ({ name: 'Backup' }), make: ownApiKey },
  rotateApiKey: { make: ownApiKey },
  revokeApiKey: { make: ownApiKey },
  verifyApiKey: {
    make: async (client, tokens) => ({ fields: { key: (await client.plantedApiKey(tokens)).key } }),
  },
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
  /** Makes what the call needs to be there. @returns the call itself, which another bearer may make, or none (`null`) */
  prepare(client: Client, tokens: Tokens): Promise<(bearer?: string | null) => Promise<Answer<unknown>>>
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
    const made = (await make?.(client, tokens)) ?? {}
    const asked = made.query && `?${new URLSearchParams(made.query)}`
    const query = asked ?? (purpose && method === 'GET' ? `?token=${mailed.token}` : '')
    const at = path.replaceAll(/:\w+/g, made.id ?? tokens.session.id)
    const options = optionsOf(tokens, mailed, planted)
    const sent = type !== '' && made.fields && { ...input(tokens, mailed, planted), ...made.fields }
    const body = sent && (type === FORM ? { body: formOf(sent) } : { json: sent })
    const all = { ...options, ...body, headers: { ...options.headers, ...made.headers } }
    return (bearer) => {
      if (bearer === undefined) return client.call(`${at}${query}`, all)
      const { bearer: _, ...rest } = all
      return client.call(`${at}${query}`, bearer === null ? rest : { ...rest, bearer })
    }
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
