/** The second step of a sign-in. */
import type { Child } from 'hono/jsx'
import { TRUST_DAYS } from '../../sign-in/trusted-device.ts'
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import type { StepData } from '../second-step.ts'
import { Alert, CODE, Field, FormToken, Hidden } from './fields.tsx'
import { Card } from './layout.tsx'
import type { Part } from './part.ts'
import { PasskeyForm } from './passkey-form.tsx'

export function secondStep(screen: Screen, data: StepData): View {
  const { step } = screen.texts
  const { heading, form: Form } = stepOf(screen, data)
  return {
    heading,
    content: (
      <Card>
        <h1>{heading}</h1>
        <Alert screen={screen} />
        <Form screen={screen} data={data} />
        <p class="more">
          <a href={screen.to('/sign-in')}>{step.startOver}</a>
        </p>
      </Card>
    ),
  }
}

type StepForm = Part<{ screen: Screen; data: StepData }>

/** An account whose factor is a passkey alone is asked for that first. */
function stepOf({ texts }: Screen, { demand, methods }: StepData): { heading: string; form: StepForm } {
  if (demand === 'enrol') return { heading: texts.step.enrolHeading, form: EnrolForm }
  const hasPasskey = methods.includes('passkey')
  if (hasPasskey && !methods.includes('totp'))
    return { heading: texts.step.passkeyHeading, form: PasskeyFirst }
  return { heading: texts.secondStep.heading, form: hasPasskey ? CodeFirst : CodeAlone }
}

const EnrolForm: StepForm = ({ screen, data: { mfaToken } }) => (
  <form method="post" action={screen.to('/sign-in/enrol')}>
    <p class="lead">{screen.texts.step.enrol}</p>
    <FormToken screen={screen} />
    <Hidden name="mfa_token" value={mfaToken} />
    <button type="submit">{screen.texts.account.authenticator.add}</button>
  </form>
)

const CodeAlone: StepForm = ({ screen, data }) => (
  <CodeForm
    screen={screen}
    data={data}
    lead={data.methods.includes('email_code') ? screen.texts.step.mailed : screen.texts.secondStep.lead}
    hint={data.methods.includes('email_code') ? undefined : screen.texts.step.recovery}
    isFirst={true}
    trust={<Trust screen={screen} data={data} />}
  />
)

const CodeFirst: StepForm = ({ screen, data }) => (
  <>
    <CodeAlone screen={screen} data={data} />
    <StepByPasskey screen={screen} data={data} isFirst={false} />
  </>
)

/** The checkbox is above both forms, and of both. Without a script there is the other one. */
const PasskeyFirst: StepForm = ({ screen, data }) => {
  const { step } = screen.texts
  const wrong = screen.wrongWith('code') !== null
  return (
    <>
      <p class="lead">{step.passkeyLead}</p>
      <Trust screen={screen} data={data} form="by-code" />
      <StepByPasskey screen={screen} data={data} isFirst={true} />
      <details open={wrong}>
        <summary>{step.byRecoveryCode}</summary>
        <CodeForm screen={screen} data={data} id="by-code" />
      </details>
    </>
  )
}

const keptOf = ({ mfaToken, methods }: StepData) => ({ mfa_token: mfaToken, methods: methods.join(' ') })

type CodeFormOf = {
  screen: Screen
  data: StepData
  id?: string
  lead?: string
  hint?: string | undefined
  isFirst?: boolean
  trust?: Child
}

const CodeForm: Part<CodeFormOf> = ({ screen, data, id, lead, hint, isFirst = false, trust }) => (
  <form method="post" action={screen.action} class="code" id={id}>
    {lead === undefined ? null : <p class="lead">{lead}</p>}
    <FormToken screen={screen} />
    {Object.entries(keptOf(data)).map(([name, value]) => (
      <Hidden name={name} value={value} />
    ))}
    <Field {...CODE} screen={screen} hint={hint} isFirst={isFirst} />
    {trust}
    <button type="submit">{screen.texts.secondStep.button}</button>
  </form>
)

/** @param form that it belongs to, where it is not inside */
const Trust: Part<{ screen: Screen; data: StepData; form?: string }> = ({ screen, data, form }) =>
  data.mayTrust ? (
    <label for="trust_device" class="check">
      <input
        type="checkbox"
        id="trust_device"
        name="trust_device"
        value="on"
        form={form}
        checked={screen.posted('trust_device') === 'on'}
      />
      <span>{screen.texts.step.trust(TRUST_DAYS)}</span>
    </label>
  ) : null

const StepByPasskey: Part<{ screen: Screen; data: StepData; isFirst: boolean }> = (props) => (
  <PasskeyForm
    screen={props.screen}
    action={props.screen.to('/sign-in/second-step-passkey')}
    does="get"
    options="/v1/passkeys/mfa/options"
    json={{ mfa_token: props.data.mfaToken }}
    fields={keptOf(props.data)}
    copies={props.data.mayTrust ? 'trust_device' : undefined}
    button={props.screen.texts.step.byPasskey}
    isFirst={props.isFirst}
  />
)
