/** The roles that the tenant declares, and what they allow. */

import { listUsers } from '../../admin/list-users.route.ts'
import type { View } from '../../pages/hosted.ts'
import { Card } from '../../pages/views/layout.tsx'
import { PERMISSIONS } from '../../permissions.ts'
import { type Desk, leadsTo, maySee } from '../desk.ts'

export function roles(desk: Desk, declared: Readonly<Record<string, readonly string[]>>): View {
  const { words, screen, present } = desk
  const heading = words.sections.roles
  const all = [['admin', Object.keys(PERMISSIONS)] as const, ...Object.entries(declared)]
  const mayFind = maySee(present, { asks: [listUsers] })
  return {
    heading,
    content: (
      <>
        <Card>
          <h1>{heading}</h1>
          <p class="lead">{words.role.lead}</p>
        </Card>
        {all.map(([role, permissions]) => (
          <Card>
            <h2>{role}</h2>
            {permissions.length === 0 ? <p class="faint">{words.none}</p> : null}
            <ul class="legend">
              {permissions.map((permission) => (
                <li>
                  <code>{permission}</code>
                </li>
              ))}
            </ul>
            {mayFind ? (
              <p class="more">
                <a href={leadsTo(screen.flow, '/console/users', { role })}>{words.role.people(role)}</a>
              </p>
            ) : null}
          </Card>
        ))}
      </>
    ),
  }
}
