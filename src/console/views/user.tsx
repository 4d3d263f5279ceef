/** One person, as an administrator sees them. What a name or a device says is text like any other. */
import type { FoundAccount } from '../../access/find-store.ts'
import type { Credentials, OpenSession } from '../../access/opened-store.ts'
import type { AuditRow } from '../../audit/audit-store.ts'
import type { View } from '../../pages/hosted.ts'
import { Card } from '../../pages/views/layout.tsx'
import type { Part } from '../../pages/views/part.ts'
import { type Desk, leadsTo, maySee } from '../desk.ts'
import type { UserActionName } from '../languages/texts.ts'
import { USER_ACTIONS } from '../user-actions.ts'
import { Events } from './events.tsx'
import { Back, Done, Facts, Moment } from './parts.tsx'
import { Status } from './users.tsx'

export type FoundUser = {
  account: FoundAccount
  sessions: OpenSession[]
  credentials: Credentials | undefined
  /** Null where the person who looks may not read the audit log. */
  events: AuditRow[] | null
}

export function user(desk: Desk, { account, sessions, credentials, events }: FoundUser): View {
  const { words } = desk
  const heading = account.email ?? words.users.states.erased
  return {
    heading,
    content: (
      <>
        <Card>
          <h1>
            {heading} <Status desk={desk} status={account.status} />
          </h1>
          <Done desk={desk} texts={words.actions} />
          <Profile desk={desk} account={account} />
        </Card>
        <Actions desk={desk} account={account} />
        <Card>
          <h2>{words.user.sessions(account.liveSessions)}</h2>
          <ul class="rows">
            {sessions.map((session) => (
              <Session desk={desk} session={session} />
            ))}
          </ul>
        </Card>
        {credentials ? <Factors desk={desk} credentials={credentials} /> : null}
        {events === null ? null : (
          <Card>
            <h2>{words.user.events}</h2>
            <Events desk={desk} events={events} subject={account.id} />
          </Card>
        )}
        <Back desk={desk} path="/console/users" to={words.users.heading} />
      </>
    ),
  }
}

const Profile: Part<{ desk: Desk; account: FoundAccount }> = ({ desk, account }) => {
  const { user: words, none, never } = desk.words
  const at = (time: Date | null) => time && <Moment desk={desk} at={time} />
  const proved = account.emailVerifiedAt === null ? words.notConfirmed : words.confirmed
  return (
    <Facts
      of={[
        [words.email, account.email && `${account.email} (${proved})`],
        [words.name, account.name ?? words.noName],
        [words.roles, account.roles.join(', ') || none],
        [words.id, <code>{account.id}</code>],
        [words.externalId, account.externalId],
        [words.locale, account.locale],
        [words.created, at(account.createdAt)],
        [words.lastUsed, at(account.lastUsedAt) ?? never],
        [words.closedAt, at(account.deletedAt)],
      ]}
    />
  )
}

/** What can be done with an account as it is, by who may have it done. */
const Actions: Part<{ desk: Desk; account: FoundAccount }> = ({ desk, account }) => {
  const { words, screen, present } = desk
  const offered = USER_ACTIONS.filter(
    ({ name, does }) => isOffered(name, account) && maySee(present, { asks: [does] }),
  )
  if (offered.length === 0) return null
  return (
    <Card>
      <h2>{words.user.actions}</h2>
      <ul class="actions">
        {offered.map(({ name }) => (
          <li>
            <a class="button second" href={leadsTo(screen.flow, `/console/users/${account.id}/${name}`)}>
              {words.actions[name].heading}
            </a>
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** What would change nothing is not offered. */
function isOffered(name: UserActionName, { status, emailVerifiedAt }: FoundAccount): boolean {
  if (status === 'erased') return false
  if (name === 'restore') return status === 'closed'
  if (status === 'closed') return false
  if (name === 'disable' || name === 'send-reset') return status === 'active'
  if (name === 'enable') return status === 'disabled'
  return name !== 'verify-email' || emailVerifiedAt === null
}

const Session: Part<{ desk: Desk; session: OpenSession }> = ({ desk, session }) => {
  const { user: words, unknown } = desk.words
  return (
    <li>
      <div>
        <strong>{session.deviceLabel ?? session.userAgent?.slice(0, 80) ?? unknown}</strong>
        <p class="faint">{[session.city, session.country, session.address].filter(Boolean).join(', ')}</p>
        <p class="faint">
          {words.created} <Moment desk={desk} at={session.createdAt} />, {words.lastUsed}{' '}
          <Moment desk={desk} at={session.lastUsedAt} />
        </p>
        <p class="faint">
          {words.methods} {session.amr.join(', ')}
        </p>
      </div>
    </li>
  )
}

const Factors: Part<{ desk: Desk; credentials: Credentials }> = ({ desk, credentials }) => {
  const { user: words, none } = desk.words
  const { appSince, codesLeft, passkeys, identities } = credentials
  const isEmpty = appSince === null && passkeys.length + identities.length === 0
  return (
    <Card>
      <h2>{words.factors}</h2>
      {isEmpty ? <p class="faint">{none}</p> : null}
      <ul class="rows">
        {appSince && (
          <li>
            <div>
              <strong>{words.app}</strong>
              <p class="faint">
                <Moment desk={desk} at={appSince} />, {words.codes(codesLeft)}
              </p>
            </div>
          </li>
        )}
        {passkeys.map(({ name, isSecondFactor, createdAt }) => (
          <li>
            <div>
              <strong>
                {words.passkey}: {name}
              </strong>
              {isSecondFactor ? <span class="tag">{words.secondFactor}</span> : null}
              <p class="faint">
                <Moment desk={desk} at={createdAt} />
              </p>
            </div>
          </li>
        ))}
        {identities.map(({ provider, linkedAt }) => (
          <li>
            <div>
              <strong>
                {words.identity}: {provider}
              </strong>
              <p class="faint">
                <Moment desk={desk} at={linkedAt} />
              </p>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  )
}
