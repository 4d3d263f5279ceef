/** Events as the audit log has them. What they carry is text of many hands, and shown as text. */
import type { AuditRow } from '../../audit/audit-store.ts'
import { EVENTS, isEventType } from '../../events/catalogue.ts'
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
              <Actor desk={desk} event={event} subject={subject} />
            </p>
            <Because desk={desk} event={event} />
          </div>
        </li>
      ))}
    </ul>
  )
}

const Actor: Part<{ desk: Desk; event: AuditRow; subject: string }> = ({ desk, event, subject }) => {
  const { words, screen } = desk
  const { actor, type } = event
  if (actor === null) return <>{isOfStranger(type) ? words.user.stranger : words.user.operator}</>
  if (actor === subject) return <>{words.user.self}</>
  return <a href={leadsTo(screen.flow, `/console/users/${actor}`)}>{actor}</a>
}

/** What was refused, and mail that was asked for: of no one, it is of someone who was not signed in. */
const isOfStranger = (type: string) =>
  isEventType(type) && (EVENTS[type].origin.startsWith('attempt') || type.endsWith('_requested'))

const Because: Part<{ desk: Desk; event: AuditRow }> = ({ desk, event: { data } }) =>
  typeof data.reason === 'string' ? (
    <p>
      {desk.words.user.because} {data.reason}
    </p>
  ) : null
