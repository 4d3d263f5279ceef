/** What is around a page: signing out, the other languages, and what a page without a form says. */

import type { Texts } from '../languages/texts.ts'
import type { Screen } from '../screen.ts'
import { FormToken } from './fields.tsx'
import { Card } from './layout.tsx'
import type { Part } from './part.ts'

export const SignOut: Part<{ screen: Screen }> = ({ screen }) => (
  <form method="post" action={screen.to('/sign-out')}>
    <FormToken screen={screen} />
    <button type="submit" class="second">
      {screen.texts.signOut.button}
    </button>
  </form>
)

type Offered = { tag: string; languages: Record<string, Texts>; addressIn(tag: string): string }

/** The languages that the page is not in. */
export const Languages: Part<Offered> = ({ tag, languages, addressIn }) => (
  <>
    {Object.entries(languages)
      .filter(([other]) => other !== tag)
      .map(([other, { language }]) => (
        <a href={addressIn(other)} lang={other} hreflang={other}>
          {language}
        </a>
      ))}
  </>
)

export const Bare: Part<{ heading: string; alert: string; on: { path: string; text: string } | null }> = ({
  heading,
  alert,
  on,
}) => (
  <Card>
    <h1>{heading}</h1>
    <p role="alert">{alert}</p>
    {on === null ? null : (
      <a class="button" href={on.path}>
        {on.text}
      </a>
    )}
  </Card>
)
