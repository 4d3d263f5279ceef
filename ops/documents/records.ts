/** The tables of what is recorded and exported: events, and the export of a person. */
import { EVENTS, type EventEntry } from '../../src/events/catalogue.ts'
import { SECTIONS } from '../../src/personal-data.ts'
import { table } from './table.ts'

/** What each event says and carries, who may see it, whether webhooks may subscribe, and what makes it. */
export function eventsTable(): string {
  return table(
    ['event', 'says', 'carries', 'visible to', 'webhooks', 'origin'],
    Object.entries<EventEntry>(EVENTS).map(([type, { says, carries, visibleTo, webhook, origin }]) => {
      const carried = Object.entries(carries).map(([name, what]) => `\`${name}\`: ${what}`)
      return [`\`${type}\``, says, carried.join('; '), visibleTo, webhook ? 'yes' : 'no', origin]
    }),
  )
}

/** What a person's export says, section by section. */
export function exportTable(): string {
  return table(
    ['member', 'what'],
    SECTIONS.flatMap(([name, section]) => [
      [`**\`${name}\`**`, `${section.isOne ? 'object or null' : 'list'}: ${section.says}`],
      ...Object.entries(section.members).map(([member, [says]]) => [`\`${name}.${member}\``, says]),
    ]),
  )
}
