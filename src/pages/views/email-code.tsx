/** Signing in with a mailed code. */
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import { Alert, CODE, EMAIL, Field, FormToken, Hidden } from './fields.tsx'
import { Card } from './layout.tsx'
import { Turnstile } from './turnstile.tsx'

export function askForCode(screen: Screen): View {
  const { emailCode: words } = screen.texts
  return {
    heading: words.heading,
    asksHuman: screen.siteKey !== null,
    content: (
      <Card>
        <h1>{words.heading}</h1>
        <p class="lead">{words.lead}</p>
        <Alert screen={screen} />
        <form method="post" action={screen.action}>
          <FormToken screen={screen} />
          <Field {...EMAIL} screen={screen} value={screen.flow.login_hint} />
          <Turnstile {...screen} />
          <button type="submit">{words.button}</button>
        </form>
        <p class="more">
          <a href={screen.to('/sign-in')}>{words.password}</a>
        </p>
      </Card>
    ),
  }
}

export function enterCode(screen: Screen, email: string): View {
  const { emailCode: words } = screen.texts
  return {
    heading: words.sent.heading,
    content: (
      <Card>
        <h1>{words.sent.heading}</h1>
        <p role="status">{words.sent.next}</p>
        <Alert screen={screen} />
        <form method="post" action={screen.action} class="code">
          <FormToken screen={screen} />
          <Hidden name="email" value={email} />
          <Field {...CODE} screen={screen} isFirst={true} />
          <button type="submit">{words.enter}</button>
        </form>
        <form method="post" action={screen.to('/sign-in/code')}>
          <FormToken screen={screen} />
          <Hidden name="email" value={email} />
          <button type="submit" class="second">
            {words.again}
          </button>
        </form>
      </Card>
    ),
  }
}
