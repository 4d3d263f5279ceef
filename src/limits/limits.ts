/**
 * Every limit, and every answer to a missing dependency, on one screen: operation × subject × rate, and what happens
 * when Redis or PostgreSQL is not there. `npm run docs` prints it into docs/limits.md;
 * test/faults holds every operation to its row.
 */

/** `rate` requests in a window of `seconds` that slides: what the window before held counts by its share. */
export type Limit = {
  rate: number
  seconds: number
  /** Networks that have used fewer than this in their own window pass although this limit is reached. */
  spares?: number
}

/**
 * Who is counted. `address`: IPv4 /32 or IPv6 /64. `site`: the IPv6 /48 around it, wherever `address` is. `account`: a
 * canonical e-mail address on its host. `device`: an account in a browser that has signed in to it before.
 * `account_devices`: an account in all such browsers. `session`: that of a verified token. `token`: a presented refresh
 * token, or API key. `tenant`: its host.
 */
export type Subject =
  | 'address'
  | 'site'
  | 'account'
  | 'account_address'
  | 'device'
  | 'account_devices'
  | 'session'
  | 'token'
  | 'tenant'

export type Policy = {
  /** Counted in Redis, all of them in one trip, before anything expensive. */
  redis?: Partial<Record<Subject, Limit>>
  /** Counted in PostgreSQL, by the statement that decides anyway. */
  postgres?: Partial<Record<Subject, Limit>>
  /** Counted by the Workers rate-limit binding: per location, permissive, without a trip. */
  edge?: { address: Limit }
  /** `open`: goes on without the limit. `degraded`: asks the binding instead, a tenth of the rate. `closed`: 503 or 504. */
  withoutRedis: 'open' | 'degraded' | 'closed' | 'unused'
  /** `closed`: 503 or 504. `edge`: answers from the edge cache what that still holds. */
  withoutPostgres: 'closed' | 'edge' | 'unused'
}

const perMinute = (rate: number): Limit => ({ rate, seconds: 60 })
const perQuarter = (rate: number): Limit => ({ rate, seconds: 900 })
const perHour = (rate: number): Limit => ({ rate, seconds: 3600 })

/**
 * What a /48 may do, as a multiple of the rate of one of its 65,536 /64s. IPv4 has no such tier: behind a /24 are
 * customers who have nothing to do with each other, and each more address costs an attacker money.
 */
export const SITE_FACTOR = 10

/** The rates of the two bindings in wrangler.toml, which a test holds to these. */
export const EDGE_LIMIT = perMinute(600)
export const FALLBACK_LIMIT = perMinute(10)

/**
 * Mail of one kind that strangers can ask for, to one account, counted in PostgreSQL where it is sent (src/mailer/store.ts);
 * what is over it is dropped. A mail about something that was done is never counted: an attacker must not be
 * able to drown the notice of it.
 */
export const MAIL_LIMIT = perHour(12)

/**
 * `device` is counted for itself, so that strangers who ask do not make the owner wait. Whatever strangers ask for reaches
 * the owner's mailbox, because MAIL_LIMIT holds all of them, one browser of the owner's, and what registering sends: who is
 * refused has a link there that works.
 */
const askingForMail = {
  address: perHour(20),
  account: perHour(6),
  account_address: perHour(3),
  device: perHour(3),
}

const closed = { withoutRedis: 'closed', withoutPostgres: 'closed' } as const
const degraded = { withoutRedis: 'degraded', withoutPostgres: 'closed' } as const
/** Where PostgreSQL decides by itself, a closed limiter would only sign people out, and their retries be a storm. */
const open = { withoutRedis: 'open', withoutPostgres: 'closed' } as const
const cached = { edge: { address: EDGE_LIMIT }, withoutRedis: 'unused', withoutPostgres: 'edge' } as const

export const LIMITS = {
  register: {
    // Ten /48s could use up a tenant's hour, and so block everyone. So then it is shut to those networks alone
    // (IPv4 address, IPv6 /48) that have had five of their own this hour: an attacker pays with a network for five more.
    redis: { address: perHour(100), account: perHour(100), tenant: { ...perHour(10_000), spares: 5 } },
    ...degraded,
  },
  // `device` takes the place of `account` and `account_address`: what strangers use up is not the owner's. An account has
  // as many known browsers as a person who knows its password has made, so they have a limit together (`account_devices`).
  // Failures are counted in PostgreSQL.
  login: {
    redis: {
      address: perMinute(100),
      account: perQuarter(100),
      account_address: perQuarter(50),
      device: perQuarter(50),
      account_devices: perQuarter(200),
    },
    ...degraded,
  },
  refresh: {
    redis: { address: perMinute(600), token: perMinute(60) },
    postgres: { session: perMinute(60) },
    ...open,
  },
  logout: {
    redis: { address: perMinute(600), token: perMinute(60), session: perMinute(60) },
    ...open,
  },
  readMe: { redis: { address: perMinute(600), session: perMinute(300) }, ...open },
  updateMe: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  listSessions: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  revokeSession: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  revokeSessions: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  // What makes us send mail is refused while limits cannot be counted: a stranger could otherwise fill a mailbox.
  forgotPassword: { redis: askingForMail, ...closed },
  resendVerification: { redis: askingForMail, ...closed },
  requestSignInCode: { redis: askingForMail, ...closed },
  requestEmailChange: {
    redis: { address: perHour(20), session: perHour(5), account: perHour(3) },
    ...closed,
  },
  // A link has 256 bits and cannot be guessed; but a reset computes a hash.
  resetPassword: { redis: { address: perMinute(20) }, ...degraded },
  verifyEmail: { redis: { address: perMinute(20) }, ...degraded },
  confirmEmailChange: { redis: { address: perMinute(60) }, ...open },
  revertEmailChange: { redis: { address: perMinute(60) }, ...open },
  verifySignInLink: { redis: { address: perMinute(60) }, ...open },
  restoreMe: { redis: { address: perMinute(60) }, ...open },
  // Of a million codes five can be tried, and five more where they were asked for; PostgreSQL counts those. Here `device`
  // is also the browser that asked.
  verifySignInCode: {
    redis: {
      address: perMinute(60),
      account: perQuarter(60),
      account_address: perQuarter(15),
      device: perQuarter(15),
    },
    ...degraded,
  },
  changePassword: { redis: { address: perMinute(100), session: perQuarter(20) }, ...degraded },
  confirmPassword: { redis: { address: perMinute(100), session: perQuarter(20) }, ...degraded },
  // A code has a million values, and the account's wrong ones are counted in PostgreSQL; a token has 256 bits.
  verifyMfa: { redis: { address: perMinute(60) }, ...degraded },
  // Mail goes to the account's own address alone, after the first factor was passed.
  requestEmailCode: {
    redis: { address: perHour(20), token: perHour(3) },
    postgres: { account: perHour(6) },
    ...closed,
  },
  enrolTotp: { redis: { address: perMinute(60) }, ...degraded },
  confirmEnrolment: { redis: { address: perMinute(60) }, ...degraded },
  stepUp: { redis: { address: perMinute(100), session: perQuarter(20) }, ...degraded },
  listFactors: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  addTotp: { redis: { address: perMinute(60), session: perHour(20) }, ...open },
  confirmTotp: { redis: { address: perMinute(60), session: perQuarter(20) }, ...degraded },
  removeTotp: { redis: { address: perMinute(60), session: perHour(20) }, ...open },
  replaceRecoveryCodes: { redis: { address: perMinute(60), session: perHour(10) }, ...open },
  listTrustedDevices: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  removeTrustedDevice: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  removeTrustedDevices: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  exportMe: { redis: { address: perMinute(60), session: perHour(10) }, ...open },
  deleteMe: { redis: { address: perMinute(60), session: perHour(10) }, ...open },
  // A challenge lies in Redis alone, so without it there is none; and no one guesses a signature.
  beginPasskeyRegistration: { redis: { address: perMinute(60), session: perQuarter(30) }, ...closed },
  finishPasskeyRegistration: { redis: { address: perMinute(60), session: perQuarter(30) }, ...closed },
  // A sign-in page asks for a challenge whenever it is shown (conditional UI).
  beginPasskeySignIn: { redis: { address: perMinute(300) }, ...closed },
  finishPasskeySignIn: { redis: { address: perMinute(100) }, ...closed },
  // As signing in with one: the token of the first step has 256 bits and five tries, and a session is bounded.
  beginMfaWithPasskey: { redis: { address: perMinute(60) }, ...closed },
  verifyMfaWithPasskey: { redis: { address: perMinute(60) }, ...closed },
  beginStepUpWithPasskey: { redis: { address: perMinute(60), session: perQuarter(30) }, ...closed },
  stepUpWithPasskey: { redis: { address: perMinute(60), session: perQuarter(30) }, ...closed },
  addPasskeyFactor: { redis: { address: perMinute(60), session: perHour(20) }, ...open },
  removePasskeyFactor: { redis: { address: perMinute(60), session: perHour(20) }, ...open },
  listPasskeys: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  renamePasskey: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  deletePasskey: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  // A state lies in Redis alone, as a challenge does; and an answer of a provider is worth two calls to it.
  startSocialSignIn: { redis: { address: perMinute(60) }, ...closed },
  finishSocialSignIn: { redis: { address: perMinute(60) }, ...closed },
  exchangeSocialSignIn: { redis: { address: perMinute(60) }, ...open },
  linkIdentity: { redis: { address: perMinute(60), session: perQuarter(30) }, ...closed },
  stepUpAtProvider: { redis: { address: perMinute(60), session: perQuarter(30) }, ...closed },
  continueSignedIn: { redis: { address: perMinute(60) }, ...open },
  listIdentities: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  unlinkIdentity: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  // Operations of an administrator: the limit is per session, and there is nothing to guess.
  listAuditEvents: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  importUsers: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  readTenant: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  updateTenant: { redis: { address: perMinute(600), session: perMinute(20) }, ...open },
  updateTenantLogo: { redis: { address: perMinute(600), session: perMinute(20) }, ...open },
  listUsers: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  readUser: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  disableUser: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  enableUser: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  createUser: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  changeUserRoles: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  verifyUserEmail: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  closeUser: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  restoreUser: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  eraseUser: { redis: { address: perMinute(600), session: perMinute(20) }, ...open },
  impersonateUser: { redis: { address: perMinute(600), session: perHour(30) }, ...closed },
  sendUserReset: { redis: { address: perMinute(600), session: perHour(100) }, ...closed },
  endUserSessions: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  createInvitation: { redis: { address: perMinute(600), session: perHour(100) }, ...closed },
  startSecondFactorRemoval: { redis: { address: perMinute(600), session: perHour(100) }, ...closed },
  listSecondFactorRemovals: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  cancelSecondFactorRemoval: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  acceptInvitation: { redis: { address: perMinute(20) }, ...degraded },
  // A product writes on its accounts as it runs.
  readUserMetadata: { redis: { address: perMinute(6000), session: perMinute(3000) }, ...open },
  updateUserMetadata: { redis: { address: perMinute(6000), session: perMinute(3000) }, ...open },
  createProvider: { redis: { address: perMinute(600), session: perMinute(20) }, ...open },
  listProviders: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  updateProvider: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  deleteProvider: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  createApiKey: { redis: { address: perMinute(600), session: perMinute(20) }, ...open },
  listApiKeys: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  renameApiKey: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  rotateApiKey: { redis: { address: perMinute(600), session: perMinute(20) }, ...open },
  revokeApiKey: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  importApiKeys: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  // A product asks from few addresses for all of its clients; a key has 256 bits, so nothing is guessed.
  verifyApiKey: { redis: { address: perMinute(60_000), token: perMinute(6000) }, ...open },
  createWebhook: { redis: { address: perMinute(600), session: perMinute(20) }, ...open },
  listWebhooks: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  readWebhook: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  updateWebhook: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  deleteWebhook: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  rotateWebhookSecret: { redis: { address: perMinute(600), session: perMinute(20) }, ...open },
  testWebhook: { redis: { address: perMinute(600), session: perMinute(10) }, ...open },
  listWebhookDeliveries: { redis: { address: perMinute(600), session: perMinute(120) }, ...open },
  replayWebhookDelivery: { redis: { address: perMinute(600), session: perMinute(60) }, ...open },
  replayWebhookDeliveries: { redis: { address: perMinute(600), session: perMinute(10) }, ...open },
  jwks: cached,
  openidConfiguration: cached,
  statusList: { ...cached, withoutPostgres: 'closed' },
  relatedOrigins: cached,
  changePasswordPage: { edge: { address: EDGE_LIMIT }, withoutRedis: 'unused', withoutPostgres: 'edge' },
  tenantLogo: cached,
  // The pages that mailed links open: they look whether the link is alive, and change nothing until a button is pressed.
  linkPage: { edge: { address: EDGE_LIMIT }, withoutRedis: 'unused', withoutPostgres: 'closed' },
  // The pages of ours that are shown to anyone: one read of the database at most, and no secret to guess.
  hostedPage: { edge: { address: EDGE_LIMIT }, withoutRedis: 'unused', withoutPostgres: 'closed' },
  openapi: { edge: { address: EDGE_LIMIT }, withoutRedis: 'unused', withoutPostgres: 'unused' },
  healthz: { edge: { address: EDGE_LIMIT }, withoutRedis: 'unused', withoutPostgres: 'unused' },
  readyz: { edge: { address: EDGE_LIMIT }, ...closed },
} as const satisfies Record<string, Policy>

export type LimitedOperation = keyof typeof LIMITS
