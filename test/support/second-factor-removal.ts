/** Owners who lost their second factors, and the administrator who is asked. */
import { enrol } from './authenticator.ts'
import { newClient } from './client.ts'
import type { Service } from './service.ts'

export const removalPath = (userId: string) => `/v1/admin/users/${userId}/second-factor-removal`
export const REASON = { reason: 'lost the phone' }

/** An administrator, and an account with an app that its owner signed in without trouble until now. */
export async function newLoss(service: Service, settings = {}) {
  const client = await newClient(service, { settings })
  const { tokens: admin } = await client.signUpAdmin()
  const owner = await enrol(service, client, await client.signUp())
  const { id } = owner.tokens.user
  const ask = () => client.call(removalPath(id), { bearer: admin.access_token, json: REASON })
  const cancel = () => client.call(removalPath(id), { method: 'DELETE', bearer: admin.access_token })
  const minute = () => service.runCron('* * * * *')
  /** Moves the request into the past, and what was before it. */
  const wait = (interval: string) =>
    service.sql(
      `with before as (
         update sessions set auth_time = sessions.auth_time - $2::interval from second_factor_removals as removal
         where sessions.user_id = $1 and removal.user_id = $1 and sessions.auth_time <= removal.created_at)
       update second_factor_removals set created_at = created_at - $2::interval, due_at = due_at - $2::interval
       where user_id = $1`,
      [id, interval],
    )
  const outcomes = async () =>
    (
      await service.sql<{ outcome: string | null }>(
        'select outcome from second_factor_removals where user_id = $1 order by id',
        [id],
      )
    ).map(({ outcome }) => outcome)
  return { client, admin, owner, ask, cancel, minute, wait, outcomes }
}
