/** The account: what there is, and where to change it. */
import type { Child } from 'hono/jsx'
import type { AccountData } from '../account-data.ts'
import type { View } from '../hosted.ts'
import type { DoneWhat } from '../languages/texts.ts'
import type { Screen } from '../screen.ts'
import { Alert, FormToken } from './fields.tsx'
import { Card } from './layout.tsx'
import type { Part } from './part.ts'

export function overview(screen: Screen, { present, found }: AccountData): View {
  const { account: words } = screen.texts
  const [sessions, factors, passkeys, identities] = found
  const { user } = present
  const hasFactor = factors.some(({ id, passkeys: own }) => id !== null || own.length > 0)
  const devices = `${sessions.length}`
  return {
    heading: words.heading,
    isWide: true,
    content: (
      <>
        <Card>
          <h1>{words.heading}</h1>
          <Done screen={screen} />
          <Alert screen={screen} />
          <ul class="rows">
            <Line screen={screen} label={words.name} to="/account/profile">
              {user.name ?? words.noName}
            </Line>
            <Line screen={screen} label={words.emailAddress} to="/account/email">
              {user.email}
              {user.emailVerifiedAt === null ? null : <span class="tag">{words.confirmed}</span>}
            </Line>
          </ul>
        </Card>
        <Card>
          <h2>{words.security}</h2>
          <ul class="rows">
            <Line screen={screen} label={screen.texts.fields.password} to="/account/password">
              ••••••••
            </Line>
            <Line screen={screen} label={words.twoSteps} to="/account/authenticator" verb={words.open}>
              {hasFactor ? words.on : words.off}
            </Line>
            <Line screen={screen} label={words.passkeys} to="/account/passkeys" verb={words.open}>
              {passkeys.length === 0 ? words.none : `${passkeys.length}`}
            </Line>
            <Line screen={screen} label={words.identities} to="/account/identities" verb={words.open}>
              {identities.length === 0 ? words.none : identities.map(({ provider }) => provider).join(', ')}
            </Line>
            <Line screen={screen} label={words.devices.heading} to="/account/devices" verb={words.open}>
              {devices}
            </Line>
            {present.tenant.policy.trusted_devices ? (
              <Line
                screen={screen}
                label={words.trustedDevices.heading}
                to="/account/trusted-devices"
                verb={words.open}
              >
                {words.trustedDevices.short}
              </Line>
            ) : null}
            {present.tenant.policy.api_key_scopes.length > 0 ? (
              <Line screen={screen} label={words.apiKeys.heading} to="/account/api-keys" verb={words.open}>
                {words.apiKeys.short}
              </Line>
            ) : null}
          </ul>
        </Card>
        <Card>
          <h2>{words.data.heading}</h2>
          <ul class="rows">
            <Line screen={screen} label={words.data.short} to="/account/data" verb={words.data.button} />
            <Line screen={screen} label={words.close.short} to="/account/close" verb={words.close.button} />
          </ul>
        </Card>
        {present.isRenewalDue ? (
          <form method="post" action={screen.action} data-renews hidden>
            <FormToken screen={screen} />
          </form>
        ) : null}
      </>
    ),
  }
}

const Line: Part<{ screen: Screen; label: string; to: string; verb?: string; children?: Child }> = (
  props,
) => (
  <li>
    <div>
      <strong>{props.label}</strong>
      {props.children === undefined ? null : <p class="faint">{props.children}</p>}
    </div>
    <a class="button second" href={props.screen.to(props.to)} aria-label={`${verbOf(props)}: ${props.label}`}>
      {verbOf(props)}
    </a>
  </li>
)

const verbOf = ({ screen, verb }: { screen: Screen; verb?: string }) => verb ?? screen.texts.account.change

/** What was done on the page before; the address says only its name. */
export const Done: Part<{ screen: Screen }> = ({ screen }) => {
  const { done } = screen.texts.account
  const what = screen.flow.done
  return what !== undefined && Object.hasOwn(done, what) ? (
    <p role="status">{done[what as DoneWhat]}</p>
  ) : null
}

export const BackToAccount: Part<{ screen: Screen }> = ({ screen }) => (
  <p class="more">
    <a href={screen.to('/account')}>{screen.texts.account.back}</a>
  </p>
)
