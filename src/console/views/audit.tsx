/** The audit log: its filters, what was found, and the download. */
import type { AuditRow } from '../../audit/audit-store.ts'
import { EVENTS, type EventClient } from '../../events/catalogue.ts'
import type { View } from '../../pages/hosted.ts'
import { Hidden } from '../../pages/views/fields.tsx'
import { Card } from '../../pages/views/layout.tsx'
import type { Part } from '../../pages/views/part.ts'
import type { Refusal } from '../../problem.ts'
import { type Desk, leadsTo } from '../desk.ts'
import { Back, Facts, Field, Filters, Moment, Next, OneForm } from './parts.tsx'

const PATH = '/console/audit'

type ShownEvent = AuditRow & {
  /** Where it came from, as far as the key of who caused it was read. */
  client: EventClient | null
}

export type FoundEvents = {
  events: ShownEvent[]
  next: string | null
  asked: Record<string, string>
  refusal: Refusal | null
}

export function audit(desk: Desk, { events, next, asked, refusal }: FoundEvents): View {
  const { audit: words, sections, none } = desk.words
  return {
    heading: sections.audit,
    content: (
      <Card>
        <h1>{sections.audit}</h1>
        <Filters desk={desk} path={PATH}>
          {NAMES.map((name, index) => (
            <AuditField
              desk={desk}
              name={name}
              value={asked[name]}
              isFirst={index === 0 && events.length === 0}
            />
          ))}
        </Filters>
        {events.length === 0 && refusal === null ? <p class="faint">{none}</p> : null}
        <ul class="rows">
          {events.map((event) => (
            <Event desk={desk} event={event} />
          ))}
        </ul>
        <Next desk={desk} path={PATH} query={asked} next={next} />
        {refusal === null ? (
          <p class="more">
            <a href={leadsTo(desk.screen.flow, `${PATH}/export`, asked)}>{words.exportLink}</a>
          </p>
        ) : null}
      </Card>
    ),
  }
}

const NAMES = ['type', 'subject', 'actor', 'session', 'address', 'from', 'to'] as const

const AuditField: Part<{
  desk: Desk
  name: (typeof NAMES)[number]
  value: string | undefined
  isFirst: boolean
}> = ({ desk, name, value, isFirst }) => {
  const isTime = name === 'from' || name === 'to'
  return (
    <Field
      desk={desk}
      name={name}
      label={desk.words.audit.fields[name]}
      value={isTime ? value?.replace(/(:00)?(\.000)?Z$/, '') : value}
      type={isTime ? 'datetime-local' : 'text'}
      isFirst={isFirst}
      {...(name === 'type' && { offers: TYPES })}
    />
  )
}

const TYPES = Object.keys(EVENTS)

const Event: Part<{ desk: Desk; event: ShownEvent }> = ({ desk, event }) => {
  const { audit: words } = desk.words
  const { client } = event
  const place = client ? [client.city, client.country, client.address, client.user_agent] : [event.network]
  const data = Object.entries(event.data)
  return (
    <li>
      <div>
        <code>{event.type}</code>
        <p class="faint">
          <Moment desk={desk} at={event.occurredAt} />
          {place.some(Boolean) ? `, ${place.filter(Boolean).join(', ').slice(0, 300)}` : ''}
        </p>
        <Follow desk={desk} name="subject" id={event.subject} text={words.fields.subject} />
        <Follow desk={desk} name="actor" id={event.actor} text={words.fields.actor} />
        {event.sessionIds.slice(0, 3).map((id) => (
          <Follow desk={desk} name="session" id={id} text={words.fields.session} />
        ))}
        {data.length === 0 ? null : (
          <details class="data">
            <summary aria-label={`${words.data}: ${event.type}`}>{words.data}</summary>
            <Facts of={data.map(([name, value]) => [name, <code>{textOf(value)}</code>])} />
          </details>
        )}
      </div>
    </li>
  )
}

const textOf = (value: unknown): string =>
  (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 2000)

/** All that is of the same person or session. */
const Follow: Part<{ desk: Desk; name: string; id: string | null; text: string }> = ({
  desk,
  name,
  id,
  text,
}) =>
  id === null ? null : (
    <p class="follow">
      {text} <a href={leadsTo(desk.screen.flow, PATH, { [name]: id })}>{id}</a>
      {name === 'session' ? null : (
        <>
          {' '}
          <a href={leadsTo(desk.screen.flow, `/console/users/${id}`)}>{desk.words.audit.account}</a>
        </>
      )}
    </p>
  )

export function exported(desk: Desk, asked: Record<string, string>): View {
  const { audit: words, sections } = desk.words
  const given = Object.entries(asked)
  return {
    heading: words.export,
    content: (
      <OneForm
        desk={desk}
        heading={words.export}
        lead={words.exportLead}
        back={<Back desk={desk} path={PATH} to={sections.audit} />}
      >
        <Facts
          of={given.map(([name, value]) => [words.fields[name as (typeof NAMES)[number]] ?? name, value])}
        />
        {given.map(([name, value]) => (
          <Hidden name={name} value={value} />
        ))}
      </OneForm>
    ),
  }
}
