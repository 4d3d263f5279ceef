/** Signing in and signing up. */

import { backOf, queryOf } from '../flow.ts'
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import type { SignInData } from '../sign-in-data.ts'
import { Alert, EMAIL, Field, FormToken, Hidden, NEW_PASSWORD } from './fields.tsx'
import { Card } from './layout.tsx'
import type { Part } from './part.ts'
import { PasskeyForm } from './passkey-form.tsx'
import { Turnstile } from './turnstile.tsx'

export function signIn(screen: Screen, data: SignInData): View {
  const { signIn: words, or } = screen.texts
  return {
    heading: words.heading,
    content: (
      <Card>
        <h1>{words.heading}</h1>
        <Alert screen={screen} />
        <form method="post" action={screen.action}>
          <FormToken screen={screen} />
          <Field {...EMAIL} screen={screen} autocomplete="username webauthn" value={screen.flow.login_hint} />
          <a class="beside" href="/link/forgot-password">
            {words.forgot}
          </a>
          <Field
            screen={screen}
            name="password"
            label="password"
            type="password"
            autocomplete="current-password"
            required={true}
          />
          <button type="submit">{words.button}</button>
        </form>
        <p class="or">{or}</p>
        <div class="stack">
          <PasskeyForm
            screen={screen}
            action={screen.to('/sign-in/passkey')}
            does="get"
            options="/v1/passkeys/login/options"
            json={{}}
            isConditional={true}
            button={words.byPasskey}
          />
          <a class="button second" href={screen.to('/sign-in/code')}>
            {words.byCode}
          </a>
          <Providers screen={screen} data={data} />
        </div>
        <p class="more">
          {words.isNew} <a href={screen.to('/sign-up')}>{words.signUp}</a>
        </p>
        {/* Back from a provider with a second step to pass: its token is in the fragment, which no server sees. */}
        <form method="post" action={screen.to('/sign-in/second-step')} data-step hidden>
          <FormToken screen={screen} />
          <Hidden name="mfa_token" value="" />
          <Hidden name="methods" value="" />
          <Hidden name="status" value="" />
        </form>
      </Card>
    ),
  }
}

export function signUp(screen: Screen, data: SignInData): View {
  const { signUp: words, password, or } = screen.texts
  const least = data.tenant.policy.password_min_length
  return {
    heading: words.heading,
    asksHuman: screen.siteKey !== null,
    content: (
      <Card>
        <h1>{words.heading}</h1>
        <Alert screen={screen} />
        <form method="post" action={screen.action}>
          <FormToken screen={screen} />
          <Field {...EMAIL} screen={screen} value={screen.flow.login_hint} />
          <Field
            screen={screen}
            name="name"
            label="optionalName"
            type="text"
            autocomplete="name"
            required={false}
          />
          <Field
            {...NEW_PASSWORD}
            screen={screen}
            label="password"
            minLength={Math.max(NEW_PASSWORD.minLength, least)}
            hint={password.atLeast(least)}
          />
          <Turnstile {...screen} />
          <button type="submit">{words.button}</button>
        </form>
        {data.providers.length === 0 ? null : (
          <>
            <p class="or">{or}</p>
            <div class="stack">
              <Providers screen={screen} data={data} />
            </div>
          </>
        )}
        <p class="more">
          {words.hasAccount} <a href={screen.to('/sign-in')}>{words.signIn}</a>
        </p>
      </Card>
    ),
  }
}

/** Each is a start of its own; it returns to the product, or to the account. */
const Providers: Part<{ screen: Screen; data: SignInData }> = ({ screen, data }) => (
  <>
    {data.providers.map(({ slug, name }) => (
      <a class="button second" href={startOf(slug, screen, data)}>
        {screen.texts.signIn.byProvider(name)}
      </a>
    ))}
  </>
)

const startOf = (slug: string, { flow }: Screen, { origin }: SignInData) => {
  const { redirect_uri = `${origin}${backOf(flow)}`, app_state, code_challenge } = flow
  return `/v1/oauth/${encodeURIComponent(slug)}/start${queryOf({ redirect_uri, app_state, code_challenge })}`
}
