/** The second step of a sign-in. */
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import type { StepData } from '../second-step.ts'
import { Alert, CODE, Field, FormToken, Hidden } from './fields.tsx'
import { Card } from './layout.tsx'
import type { Part } from './part.ts'
import { PasskeyForm } from './passkey-form.tsx'

export function secondStep(screen: Screen, data: StepData): View {
  const { secondStep: words, step } = screen.texts
  return {
    heading: data.demand === 'enrol' ? step.enrolHeading : words.heading,
    content: (
      <Card>
        <h1>{data.demand === 'enrol' ? step.enrolHeading : words.heading}</h1>
        <Alert screen={screen} />
        {data.demand === 'enrol' ? (
          <EnrolForm screen={screen} mfaToken={data.mfaToken} />
        ) : (
          <StepForms screen={screen} data={data} />
        )}
        <p class="more">
          <a href={screen.to('/sign-in')}>{step.startOver}</a>
        </p>
      </Card>
    ),
  }
}

const EnrolForm: Part<{ screen: Screen; mfaToken: string }> = ({ screen, mfaToken }) => (
  <form method="post" action={screen.to('/sign-in/enrol')}>
    <p class="lead">{screen.texts.step.enrol}</p>
    <FormToken screen={screen} />
    <Hidden name="mfa_token" value={mfaToken} />
    <button type="submit">{screen.texts.account.authenticator.add}</button>
  </form>
)

const StepForms: Part<{ screen: Screen; data: StepData }> = ({ screen, data: { mfaToken, methods } }) => {
  const { secondStep: words, step } = screen.texts
  const isMailed = methods.includes('email_code')
  const kept = { mfa_token: mfaToken, methods: methods.join(' ') }
  return (
    <>
      <form method="post" action={screen.action} class="code">
        <p class="lead">{isMailed ? step.mailed : words.lead}</p>
        <FormToken screen={screen} />
        {Object.entries(kept).map(([name, value]) => (
          <Hidden name={name} value={value} />
        ))}
        <Field {...CODE} screen={screen} hint={isMailed ? undefined : step.recovery} isFirst={true} />
        <button type="submit">{words.button}</button>
      </form>
      {methods.includes('passkey') ? (
        <PasskeyForm
          screen={screen}
          action={screen.to('/sign-in/second-step-passkey')}
          does="get"
          options="/v1/passkeys/mfa/options"
          json={{ mfa_token: mfaToken }}
          fields={kept}
          button={screen.texts.signIn.byPasskey}
        />
      ) : null}
    </>
  )
}
