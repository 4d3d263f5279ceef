/** How a token of each purpose is redeemed: by its operation, or by the form of the page that its link opens. */
import { type OneTimePurpose, PURPOSES } from '../../src/one-time/purposes.ts'
import type { Answer, Client, Tokens } from './client.ts'
import type { Mailed } from './mailed.ts'
import type { Service } from './service.ts'

export const PURPOSE_NAMES = Object.keys(PURPOSES) as OneTimePurpose[] // Object.keys forgets the type

export const NEW_PASSWORD = 'another battery staple'

/** What the mail carries, as far as redeeming needs it. */
export type Presented = Pick<Mailed, 'token' | 'cookie'>

export type Redemption = {
  path: string
  /** What it takes besides the token. */
  fields?: Record<string, string>
  /** What its page takes, where that is not the same: it never removes a password unasked. */
  typed?: Record<string, string>
  /** What the account is while such a token is good for something. */
  account: 'open' | 'closed'
  succeeds: 200 | 204
  /** Whether everything that opened the account before is dead afterwards, if no one had proved its address. */
  endsAccess: boolean
}

const chosen = { fields: { password: NEW_PASSWORD } }
const quiet = { account: 'open', succeeds: 204, endsAccess: true } as const
const speaking = { account: 'open', succeeds: 200, endsAccess: true } as const

/** A purpose without a row does not compile, and with one is held to every test of this folder. */
export const REDEMPTIONS: Record<OneTimePurpose, Redemption> = {
  verify_email: { path: '/v1/email/verify', typed: { new_password: NEW_PASSWORD }, ...speaking },
  reset_password: { path: '/v1/password/reset', ...chosen, ...quiet },
  change_email_old: { path: '/v1/email/change/confirm', ...speaking, endsAccess: false },
  change_email_new: { path: '/v1/email/change/confirm', ...speaking, endsAccess: false },
  revert_email: { path: '/v1/email/change/revert', ...quiet },
  sign_in: { path: '/v1/email/link/verify', ...speaking },
  restore_account: { path: '/v1/me/restore', ...quiet, account: 'closed' },
  invitation: { path: '/v1/invitations/accept', ...chosen, ...quiet },
}

type Extra = { headers?: Record<string, string> }

/** As a program calls the operation; the cookie of the browser that asked for the link is sent to each. */
export const redeem = (
  client: Client,
  purpose: OneTimePurpose,
  { token, cookie }: Presented,
  { headers }: Extra = {},
) =>
  client.call(REDEMPTIONS[purpose].path, {
    json: { token, ...REDEMPTIONS[purpose].fields },
    headers: { cookie, 'sec-fetch-site': 'same-origin', ...headers },
  })

/** As a browser posts the form of the page. */
export const press = (
  client: Client,
  purpose: OneTimePurpose,
  { token, cookie }: Presented,
  { headers }: Extra = {},
  { fields, typed } = REDEMPTIONS[purpose],
) =>
  client.call(PURPOSES[purpose].path, {
    body: new URLSearchParams({ token, ...(typed ?? fields) }).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: 'null',
      'sec-fetch-site': 'same-origin',
      cookie,
      ...headers,
    },
  })

export type Way = {
  path: string
  account: Redemption['account']
  purposes: OneTimePurpose[]
  isPage: boolean
  call(client: Client, presented: Presented, extra?: Extra): Promise<Answer<unknown>>
}

/** Every operation and every page that takes a one-time token, and of which purposes. */
export const WAYS: Way[] = PURPOSE_NAMES.flatMap((purpose): Way[] => {
  const { path, account } = REDEMPTIONS[purpose]
  const way = (isPage: boolean, at: string, call: typeof redeem): Way => ({
    path: at,
    account,
    isPage,
    purposes: PURPOSE_NAMES.filter((one) => (isPage ? PURPOSES : REDEMPTIONS)[one].path === at),
    call: (client, presented, extra) => call(client, purpose, presented, extra),
  })
  return [way(false, path, redeem), way(true, PURPOSES[purpose].path, press)]
}).filter(({ path }, index, all) => all.findIndex((way) => way.path === path) === index)

/** Opens or closes the account, as a way needs it for the token to be looked at. */
export const setAccount = (
  { sql }: Pick<Service, 'sql'>,
  { user }: Pick<Tokens, 'user'>,
  account: Redemption['account'],
) =>
  sql('update users set deleted_at = case when $2 then now() end where id = $1', [
    user.id,
    account === 'closed',
  ])

const TABLES = ['users', 'passwords', 'sessions', 'refresh_tokens', 'one_time_tokens', 'events']

/** All that a redemption could change of a tenant. */
export const dumpOf = ({ sql }: Pick<Service, 'sql'>, tenantId: string): Promise<unknown> =>
  sql(
    TABLES.map(
      (table) => `select '${table}' as name, jsonb_agg(to_jsonb(t) order by t::text) as rows
        from ${table} t where tenant_id = $1`,
    ).join(' union all '),
    [tenantId],
  )

/** The row of a token. */
export async function tokenRow({ sql }: Pick<Service, 'sql'>, { id }: Pick<Mailed, 'id'>) {
  const [row] = await sql<{ consumed_at: Date | null; attempts: number; failures: number }>(
    'select consumed_at, attempts, failures from one_time_tokens where id = $1',
    [id],
  )
  return row ?? null
}

/** Sessions of the account that live. */
export const liveSessions = async ({ sql }: Pick<Service, 'sql'>, userId: string): Promise<string[]> =>
  (
    await sql<{ id: string }>('select id from sessions where user_id = $1 and revoked_at is null', [userId])
  ).map(({ id }) => id)
