/** The accounts that were found, and the form that finds them. */
import type { ListedAccount } from '../../access/find-store.ts'
import type { View } from '../../pages/hosted.ts'
import { Card } from '../../pages/views/layout.tsx'
import type { Part } from '../../pages/views/part.ts'
import type { Refusal } from '../../problem.ts'
import { type Desk, leadsTo } from '../desk.ts'
import { Field, Filters, Moment, Next } from './parts.tsx'

const PATH = '/console/users'

export type FoundUsers = {
  accounts: ListedAccount[]
  next: string | null
  /** The filters that are given. */
  asked: Record<string, string>
  refusal: Refusal | null
}

export function users(desk: Desk, { accounts, next, asked, refusal }: FoundUsers): View {
  const { users: words } = desk.words
  return {
    heading: words.heading,
    content: (
      <Card>
        <h1>{words.heading}</h1>
        <Narrow desk={desk} asked={asked} />
        {accounts.length === 0 && refusal === null ? <p class="faint">{words.nothing}</p> : null}
        <ul class="rows">
          {accounts.map((account) => (
            <Account desk={desk} account={account} />
          ))}
        </ul>
        <Next desk={desk} path={PATH} query={asked} next={next} />
      </Card>
    ),
  }
}

const Narrow: Part<{ desk: Desk; asked: Record<string, string> }> = ({ desk, asked }) => {
  const { users: words, any } = desk.words
  const { active, disabled, closed } = words.states
  const states = [
    ['', any],
    ['active', active],
    ['disabled', disabled],
    ['closed', closed],
  ] as const
  return (
    <Filters desk={desk} path={PATH}>
      <Field
        desk={desk}
        name="email_prefix"
        label={words.emailPrefix}
        value={asked.email_prefix}
        isFirst={Object.keys(asked).length === 0}
      />
      <Field desk={desk} name="status" label={words.status} value={asked.status} options={states} />
      <Field
        desk={desk}
        name="role"
        label={words.role}
        value={asked.role}
        offers={['admin', ...Object.keys(desk.present.tenant.policy.roles)]}
      />
      <Field desk={desk} name="external_id" label={words.externalId} value={asked.external_id} />
      <Field desk={desk} name="id" label={words.id} />
    </Filters>
  )
}

const Account: Part<{ desk: Desk; account: ListedAccount }> = ({ desk, account }) => {
  const { words, screen } = desk
  const { email, name, status, roles, createdAt, id } = account
  return (
    <li>
      <div>
        <strong>{email}</strong>
        <Status desk={desk} status={status} />
        <p class="faint">{[name, ...roles].filter(Boolean).join(' · ')}</p>
        <p class="faint">
          {words.users.created} <Moment desk={desk} at={createdAt} />
        </p>
      </div>
      <a
        class="button second"
        href={leadsTo(screen.flow, `${PATH}/${id}`)}
        aria-label={`${words.open}: ${email}`}
      >
        {words.open}
      </a>
    </li>
  )
}

export const Status: Part<{ desk: Desk; status: ListedAccount['status'] }> = ({ desk, status }) => (
  <span class={status === 'active' ? 'tag' : 'tag bad'}>{desk.words.users.states[status]}</span>
)
