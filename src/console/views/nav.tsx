/** The list of the console's pages, as far as the person may see them. */
import type { Part } from '../../pages/views/part.ts'
import { type Desk, leadsTo, maySee } from '../desk.ts'
import { SECTIONS, type Section } from '../sections.ts'

/** @param props.at the path of the page that is shown */
export const Nav: Part<{ desk: Desk; at: string }> = ({
  desk: {
    screen: { flow },
    words,
    present,
  },
  at,
}) => (
  <nav class="sections" aria-label={words.pages}>
    <ul>
      {SECTIONS.filter((section) => maySee(present, section)).map((section) => (
        <li>
          <a href={leadsTo(flow, section.path)} aria-current={isAt(section, at) ? 'page' : undefined}>
            {words.sections[section.name]}
          </a>
        </li>
      ))}
    </ul>
  </nav>
)

const isAt = ({ path }: Section, at: string) =>
  at === path || (path !== '/console' && at.startsWith(`${path}/`))
