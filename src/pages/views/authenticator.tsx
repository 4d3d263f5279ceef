/** Two-step verification: an app to scan, its first code, and recovery codes. */
import { raw } from 'hono/html'
import type { Factors } from '../account-data.ts'
import type { ToScan } from '../authenticator.ts'
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import { BackToAccount, Done } from './account.tsx'
import { Alert, CODE, Field, FormToken, Hidden } from './fields.tsx'
import { Card } from './layout.tsx'
import type { Part } from './part.ts'

export function authenticator(screen: Screen, { found: [[factors]] }: Factors): View {
  const { authenticator: words, twoSteps } = screen.texts.account
  const hasApp = factors !== undefined && factors.id !== null
  const hasFactor = hasApp || (factors?.passkeys.length ?? 0) > 0
  return {
    heading: twoSteps,
    content: (
      <Card>
        <h1>{twoSteps}</h1>
        <p class="lead">{hasApp ? words.isOn : words.isOff}</p>
        <Done screen={screen} />
        <Alert screen={screen} />
        <form method="post" action={screen.action}>
          <FormToken screen={screen} />
          <button type="submit" class={hasApp ? 'second' : undefined}>
            {hasApp ? words.another : words.add}
          </button>
        </form>
        <div class="stack">
          {hasFactor ? (
            <a class="button second" href={screen.to('/account/recovery-codes')}>
              {words.newCodes} ({words.left(factors?.codesLeft ?? 0)})
            </a>
          ) : null}
          {hasApp ? (
            <a class="button danger" href={screen.to('/account/authenticator-remove')}>
              {words.remove}
            </a>
          ) : null}
        </div>
        <BackToAccount screen={screen} />
      </Card>
    ),
  }
}

/** @param shown.app null where its secret was shown before, and its code was wrong */
export function scan(
  screen: Screen,
  { app, hidden }: { app: ToScan | null; hidden: Record<string, string> },
): View {
  const { authenticator: words } = screen.texts.account
  const factorId = app?.factor_id ?? screen.posted('factor_id') ?? ''
  return {
    heading: words.scan,
    content: (
      <Card>
        <h1>{words.scan}</h1>
        <Alert screen={screen} />
        {app === null ? (
          <p class="lead">{words.again}</p>
        ) : (
          <>
            <p class="lead">{words.scanLead}</p>
            <div class="qr" role="img" aria-label={words.qr}>
              {/* Made by lean-qr of what we made: modules of a square, and no text. */}
              {raw(app.qr_svg)}
            </div>
            <details>
              <summary>{words.byHand}</summary>
              <p>
                <code>{app.secret.replace(/.{4}/g, '$& ').trim()}</code>
              </p>
            </details>
          </>
        )}
        <form method="post" action={screen.action} class="code">
          <FormToken screen={screen} />
          <Hidden name="factor_id" value={factorId} />
          {Object.entries(hidden).map(([name, value]) => (
            <Hidden name={name} value={value} />
          ))}
          <Field {...CODE} screen={screen} inputMode="numeric" isFirst={true} />
          <button type="submit">{words.confirm}</button>
        </form>
      </Card>
    ),
  }
}

export function recoveryCodes(screen: Screen, codes: readonly string[], on: string): View {
  const { authenticator: words } = screen.texts.account
  return {
    heading: words.codes,
    isWide: true,
    content: (
      <Card>
        <h1>{words.codes}</h1>
        <p class="lead">{words.codesLead}</p>
        <ul class="codes">
          {codes.map((code) => (
            <li>{code}</li>
          ))}
        </ul>
        <a class="button" href={on}>
          {words.kept}
        </a>
      </Card>
    ),
  }
}

const Ask: Part<{ screen: Screen; heading: string; lead: string; button: string; isDangerous: boolean }> = (
  props,
) => (
  <Card>
    <h1>{props.heading}</h1>
    <p class="lead">{props.lead}</p>
    <Alert screen={props.screen} />
    <form method="post" action={props.screen.action}>
      <FormToken screen={props.screen} />
      <button type="submit" class={props.isDangerous ? 'danger' : undefined}>
        {props.button}
      </button>
    </form>
    <BackToAccount screen={props.screen} />
  </Card>
)

export function remove(screen: Screen): View {
  const { authenticator: words } = screen.texts.account
  return {
    heading: words.remove,
    content: (
      <Ask
        screen={screen}
        heading={words.remove}
        lead={words.removeLead}
        button={words.remove}
        isDangerous={true}
      />
    ),
  }
}

export function newCodes(screen: Screen): View {
  const { authenticator: words } = screen.texts.account
  return {
    heading: words.newCodes,
    content: (
      <Ask
        screen={screen}
        heading={words.newCodes}
        lead={words.newCodesLead}
        button={words.newCodes}
        isDangerous={false}
      />
    ),
  }
}
