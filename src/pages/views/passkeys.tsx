/** The passkeys of the account. Adding one needs the script; everything else does not. */
import type { FoundPasskey } from '../../passkeys/passkey-store.ts'
import type { Tenant } from '../../tenants/tenants.ts'
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import { BackToAccount, Done } from './account.tsx'
import { Alert, FormToken, Hidden } from './fields.tsx'
import { Card } from './layout.tsx'
import type { Part } from './part.ts'
import { PasskeyForm } from './passkey-form.tsx'

export function passkeys(
  screen: Screen,
  all: readonly FoundPasskey[],
  { policy }: Pick<Tenant, 'policy'>,
): View {
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
          {all.map(({ id, name, isSecondFactor, createdAt, lastUsedAt }) => (
            <li>
              <div>
                <strong>{name}</strong>
                {isSecondFactor ? <span class="tag">{words.isFactor}</span> : null}
                <p class="faint">
                  {words.added} {day.format(createdAt)}
                  {lastUsedAt === null ? '' : ` · ${words.used} ${day.format(lastUsedAt)}`}
                </p>
              </div>
              {isSecondFactor ? null : (
                <Button
                  screen={screen}
                  to="/account/passkey-remove"
                  id={id}
                  name={name}
                  does={words.remove}
                />
              )}
              {isSecondFactor || policy.second_factor !== 'off' ? (
                <details>
                  <summary>{isSecondFactor ? words.leave : words.choose}</summary>
                  <p class="faint">{isSecondFactor ? words.leaveLead : words.chooseLead}</p>
                  <Button
                    screen={screen}
                    to={isSecondFactor ? '/account/passkey-factor-remove' : '/account/passkey-factor'}
                    id={id}
                    name={name}
                    does={isSecondFactor ? words.leave : words.choose}
                  />
                </details>
              ) : null}
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

/** What is done to one passkey. */
const Button: Part<{ screen: Screen; to: string; id: string; name: string; does: string }> = (props) => (
  <form method="post" action={props.screen.to(props.to)}>
    <FormToken screen={props.screen} />
    <Hidden name="passkey_id" value={props.id} />
    <button type="submit" class="second" aria-label={`${props.does}: ${props.name}`}>
      {props.does}
    </button>
  </form>
)
