/** The browsers in which no second step is asked for. What a browser says of itself is a hint, and text like any other. */
import { TRUST_DAYS } from '../../sign-in/trusted-device.ts'
import type { Trusted } from '../account-data.ts'
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import { BackToAccount, Done } from './account.tsx'
import { Alert, FormToken, Hidden } from './fields.tsx'
import { Card } from './layout.tsx'

export function trusted(screen: Screen, { found: [devices] }: Trusted): View {
  const { trustedDevices: words, devices: deviceWords } = screen.texts.account
  const day = new Intl.DateTimeFormat(screen.tag, { dateStyle: 'medium', timeZone: 'UTC' })
  return {
    heading: words.heading,
    isWide: true,
    content: (
      <Card>
        <h1>{words.heading}</h1>
        <p class="lead">{devices.length === 0 ? words.noneYet(TRUST_DAYS) : words.lead}</p>
        <Done screen={screen} />
        <Alert screen={screen} />
        <ul class="rows">
          {devices.map(({ id, device, country, createdAt, expiresAt, isCurrent }) => (
            <li>
              <div>
                <strong>{device ?? deviceWords.unknown}</strong>
                {isCurrent ? <span class="tag">{words.thisOne}</span> : null}
                <p class="faint">
                  {country === null ? '' : `${country} · `}
                  {words.since} {day.format(createdAt)} · {words.until} {day.format(expiresAt)}
                </p>
              </div>
              <form method="post" action={screen.to('/account/trusted-device-remove')}>
                <FormToken screen={screen} />
                <Hidden name="device_id" value={id} />
                <button
                  type="submit"
                  class="second"
                  aria-label={`${words.remove}: ${device ?? deviceWords.unknown}`}
                >
                  {words.remove}
                </button>
              </form>
            </li>
          ))}
        </ul>
        {devices.length < 2 ? null : (
          <form method="post" action={screen.to('/account/trusted-devices')}>
            <FormToken screen={screen} />
            <button type="submit" class="danger">
              {words.removeAll}
            </button>
          </form>
        )}
        <BackToAccount screen={screen} />
      </Card>
    ),
  }
}
