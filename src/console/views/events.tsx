/** Events as the audit log has them. What they carry is text of many hands, and shown as text. */
import type { AuditRow } from '../../audit/audit-store.ts'
import type { Part } from '../../pages/views/part.ts'
import { type Desk, leadsTo } from '../desk.ts'
import { Moment } from './parts.tsx'

/** @param props.subject whose page it is */
export const Events: Part<{ desk: Desk; events: readonly AuditRow[]; subject: string }> = ({
  desk,
  events,
  subject,
}) => {
  const { words } = desk
  if (events.length === 0) return <p class="faint">{words.none}</p>
  return (
    <ul class="rows">
      {events.map((event) => (
        <li>
          <div>
            <code>{event.type}</code>
            <p class="faint">
              <Moment desk={desk} at={event.occurredAt} />, {words.user.actor}{' '}
              <Actor desk={desk} actor={event.actor} subject={subject} />
            </p>
            <Because desk={desk} event={event} />
          </div>
        </li>
      ))}
    </ul>
  )
}

const Actor: Part<{ desk: Desk; actor: string | null; subject: string }> = ({ desk, actor, subject }) => {
  const { words, screen } = desk
  if (actor === null) return <>{words.user.operator}</>
  if (actor === subject) return <>{words.user.self}</>
  return <a href={leadsTo(screen.flow, `/console/users/${actor}`)}>{actor}</a>
}

const Because: Part<{ desk: Desk; event: AuditRow }> = ({ desk, event: { data } }) =>
  typeof data.reason === 'string' ? (
    <p>
      {desk.words.user.because} {data.reason}
    </p>
  ) : null
