/** The operations of an account's life, once each, for bench/recorded.ts: by the links and codes that the mail would carry. */
import { mailedToken } from '../test/support/mailed.ts'
import { newEmail } from './operations.ts'
import type { Perform } from './recorded.ts'

type Ask = (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>

const PASSWORD = 'correct horse battery'

/** @param database to find the tokens in, and the keys that make their text */
export async function liveThrough(
  perform: Perform,
  database: { sql: Ask; bindings: Record<string, string> },
): Promise<void> {
  const email = newEmail()
  const post = (name: string, path: string, json: object, status = 200, bearer?: string) =>
    perform(name, status, { path, json, ...(bearer !== undefined && { bearer }) })
  const registered = await post('register', '/v1/register', { email, password: PASSWORD }, 201)
  const { user, access_token: first } = JSON.parse(registered) as {
    user: { id: string }
    access_token: string
  }
  const stage = database as Parameters<typeof mailedToken>[0] // its rows are whatever the caller says they are
  const mailed = (purpose: Parameters<typeof mailedToken>[1]) => mailedToken(stage, purpose, user.id)
  const token = async (purpose: Parameters<typeof mailedToken>[1]) => (await mailed(purpose)).token

  await post('resend', '/v1/email/resend', { email }, 202)
  await post('verify email', '/v1/email/verify', { token: await token('verify_email'), password: PASSWORD })
  await post('confirm password', '/v1/password/confirm', { password: PASSWORD }, 200, first)
  await post('confirm, wrong', '/v1/password/confirm', { password: 'wrong password' }, 401, first)
  const change = { current_password: PASSWORD, new_password: 'another battery staple' }
  await post('change password', '/v1/password/change', change, 200, first)
  await post('change e-mail', '/v1/email/change', { email: newEmail() }, 202, first)
  const confirm = async (purpose: 'change_email_old' | 'change_email_new') =>
    post('confirm change', '/v1/email/change/confirm', { token: await token(purpose) })
  await confirm('change_email_old')
  await confirm('change_email_new')
  await post('revert change', '/v1/email/change/revert', { token: await token('revert_email') }, 204)
  await post('forgot password', '/v1/password/forgot', { email }, 202)
  await post('forgot, unknown', '/v1/password/forgot', { email: newEmail() }, 202)
  const reset = { token: await token('reset_password'), password: PASSWORD }
  await post('reset password', '/v1/password/reset', reset, 204)
  await post('request code', '/v1/email/code', { email }, 202)
  await post('verify code, wrong', '/v1/email/code/verify', { email, code: '000000' }, 401)
  const { code } = await mailed('sign_in')
  const signedIn = await post('verify code', '/v1/email/code/verify', { email, code })
  const { access_token: bearer } = JSON.parse(signedIn) as { access_token: string }
  await perform('export', 200, { path: '/v1/me/export', bearer })
  await perform('delete me', 204, { method: 'DELETE', path: '/v1/me', bearer })
  await post('restore', '/v1/me/restore', { token: await token('restore_account') }, 204)
  // For the hourly job to close.
  await database.sql(
    `insert into users (id, tenant_id, email, awaits_proof_since)
     select gen_random_uuid(), tenant_id, $2, now() - interval '31 days' from users where id = $1`,
    [user.id, newEmail()],
  )
}

/** What an administrator does to accounts. */
export async function populate(perform: Perform, bearer: string): Promise<void> {
  const users = [{ email: newEmail() }, { email: newEmail() }]
  await perform('import', 200, { path: '/v1/admin/users/import', json: { users }, bearer })
  await perform('invite', 202, { path: '/v1/admin/invitations', json: { email: newEmail() }, bearer })
}
