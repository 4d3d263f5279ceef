/** The devices that are signed in. What a device says of itself is a hint, and text like any other. */
import type { Devices } from '../account-data.ts'
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import { BackToAccount, Done } from './account.tsx'
import { Alert, FormToken, Hidden } from './fields.tsx'
import { Card } from './layout.tsx'

export function devices(screen: Screen, { present, found: [sessions] }: Devices): View {
  const { devices: words } = screen.texts.account
  const moment = new Intl.DateTimeFormat(screen.tag, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'UTC',
  })
  const own = ({ id }: { id: string }) => id === present.session.id
  return {
    heading: words.heading,
    isWide: true,
    content: (
      <Card>
        <h1>{words.heading}</h1>
        <Done screen={screen} />
        <Alert screen={screen} />
        <ul class="rows">
          {sessions.map((session) => (
            <li>
              <div>
                <strong>{session.device ?? session.userAgent?.slice(0, 80) ?? words.unknown}</strong>
                {own(session) ? <span class="tag">{words.thisOne}</span> : null}
                <p class="faint">
                  {[session.city, session.country, session.address].filter(Boolean).join(', ')}
                </p>
                <p class="faint">
                  {words.lastUsed}{' '}
                  <time datetime={session.lastUsedAt.toISOString()}>
                    {moment.format(session.lastUsedAt)} UTC
                  </time>
                </p>
              </div>
              <form method="post" action={screen.action}>
                <FormToken screen={screen} />
                <Hidden name="session_id" value={session.id} />
                <button type="submit" class="second">
                  {words.button}
                </button>
              </form>
            </li>
          ))}
        </ul>
        {sessions.length < 2 ? null : (
          <form method="post" action={screen.to('/account/other-devices')}>
            <FormToken screen={screen} />
            <button type="submit" class="danger">
              {words.others}
            </button>
          </form>
        )}
        <BackToAccount screen={screen} />
      </Card>
    ),
  }
}

export function otherDevices(screen: Screen): View {
  const { devices: words } = screen.texts.account
  return {
    heading: words.others,
    content: (
      <Card>
        <h1>{words.others}</h1>
        <Alert screen={screen} />
        <form method="post" action={screen.action}>
          <FormToken screen={screen} />
          <button type="submit" class="danger">
            {words.others}
          </button>
        </form>
        <BackToAccount screen={screen} />
      </Card>
    ),
  }
}
