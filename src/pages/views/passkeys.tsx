/** The passkeys of the account. Adding one needs the script; everything else does not. */
import type { FoundPasskey } from '../../passkeys/passkey-store.ts'
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import { BackToAccount, Done } from './account.tsx'
import { Alert, FormToken, Hidden } from './fields.tsx'
import { Card } from './layout.tsx'
import { PasskeyForm } from './passkey-form.tsx'

export function passkeys(screen: Screen, all: readonly FoundPasskey[]): View {
  const { passkeysPage: words, passkeys: heading } = screen.texts.account
  const day = new Intl.DateTimeFormat(screen.tag, { dateStyle: 'medium', timeZone: 'UTC' })
  return {
    heading,
    isWide: true,
    content: (
      <Card>
        <h1>{heading}</h1>
        <p class="lead">{words.lead}</p>
        <Done screen={screen} />
        <Alert screen={screen} />
        <ul class="rows">
          {all.map(({ id, name, createdAt, lastUsedAt }) => (
            <li>
              <div>
                <strong>{name}</strong>
                <p class="faint">
                  {words.added} {day.format(createdAt)}
                  {lastUsedAt === null ? '' : ` · ${words.used} ${day.format(lastUsedAt)}`}
                </p>
              </div>
              <form method="post" action={screen.to('/account/passkey-remove')}>
                <FormToken screen={screen} />
                <Hidden name="passkey_id" value={id} />
                <button type="submit" class="second" aria-label={`${words.remove}: ${name}`}>
                  {words.remove}
                </button>
              </form>
            </li>
          ))}
        </ul>
        <PasskeyForm
          screen={screen}
          action={screen.to('/account/passkeys')}
          does="create"
          options="/account/passkey-options"
          button={words.add}
        />
        <BackToAccount screen={screen} />
      </Card>
    ),
  }
}
