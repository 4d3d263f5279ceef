/** Showing again that it is you. */

import type { StepUpData } from '../account-data.ts'
import { queryOf } from '../flow.ts'
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import { BackToAccount } from './account.tsx'
import { Whose } from './account-forms.tsx'
import { Alert, CODE, Field, FormToken, Hidden } from './fields.tsx'
import { Card } from './layout.tsx'
import type { Part } from './part.ts'
import { PasskeyForm } from './passkey-form.tsx'

/** An account that owed a second factor when it signed in shows that one. */
export function stepUp(
  screen: Screen,
  { present, found: [[factors], [passkeys], providers, [password]] }: StepUpData,
): View {
  const { stepUp: words } = screen.texts
  const needsFactor = present.state.owedAal > 1
  const hasPassword = password !== undefined && !needsFactor
  const hasPasskey = (passkeys?.offered.length ?? 0) > 0
  const hasCode = factors !== undefined && (factors.id !== null || factors.codesLeft > 0)
  return {
    heading: words.heading,
    content: (
      <Card>
        <h1>{words.heading}</h1>
        <p class="lead">{words.lead}</p>
        <Alert screen={screen} />
        {hasPassword ? (
          <form method="post" action={screen.to('/step-up')}>
            <FormToken screen={screen} />
            <Whose user={present.user} />
            <Field
              screen={screen}
              name="password"
              label="password"
              type="password"
              autocomplete="current-password"
              required={true}
              isFirst={true}
            />
            <button type="submit">{words.button}</button>
          </form>
        ) : null}
        {hasCode ? <CodeForm screen={screen} isFirst={needsFactor} /> : null}
        {providers.length > 0 && (hasPassword || hasCode) ? <p class="or">{screen.texts.or}</p> : null}
        <div class="stack">
          {hasPasskey ? (
            <PasskeyForm
              screen={screen}
              action={screen.to('/step-up/passkey')}
              does="get"
              options="/step-up/passkey-options"
              button={words.byPasskey}
            />
          ) : null}
          {providers.map(({ slug, name }) => (
            <form method="post" action={screen.to('/step-up/provider')}>
              <FormToken screen={screen} />
              <Hidden name="provider" value={slug} />
              <button type="submit" class="second">
                {words.byProvider(name)}
              </button>
            </form>
          ))}
        </div>
        <p class="more">
          <a href={`/sign-in${queryOf(screen.flow, { prompt: 'login' })}`}>{words.again}</a>
          <br />
          <a href={screen.to('/account')}>{screen.texts.account.back}</a>
        </p>
      </Card>
    ),
  }
}

export function stepUpWithCode(screen: Screen): View {
  const { stepUp: words } = screen.texts
  return {
    heading: words.heading,
    content: (
      <Card>
        <h1>{words.heading}</h1>
        <p class="lead">{words.lead}</p>
        <Alert screen={screen} />
        <CodeForm screen={screen} isFirst={true} />
        <BackToAccount screen={screen} />
      </Card>
    ),
  }
}

const CodeForm: Part<{ screen: Screen; isFirst: boolean }> = ({ screen, isFirst }) => (
  <form method="post" action={screen.to('/step-up/code')} class="code">
    <FormToken screen={screen} />
    <Field {...CODE} screen={screen} hint={screen.texts.secondStep.lead} isFirst={isFirst} />
    <button type="submit">{screen.texts.stepUp.button}</button>
  </form>
)
