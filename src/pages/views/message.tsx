/** What a page says that has no form. */
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import { Alert, FormToken } from './fields.tsx'
import { Card } from './layout.tsx'

type On = { path: string; text: string; to(path: string): string }

export const message = ({ heading, next }: { heading: string; next: string }, on: On | null): View => ({
  heading,
  content: (
    <Card>
      <h1>{heading}</h1>
      <p role="status">{next}</p>
      {on === null ? null : (
        <a class="button" href={on.to(on.path)}>
          {on.text}
        </a>
      )}
    </Card>
  ),
})

/** Asked only where a page leads here by a link: a link alone signs no one out. */
export const askToSignOut = (screen: Screen): View => ({
  heading: screen.texts.signOut.button,
  content: (
    <Card>
      <h1>{screen.texts.signOut.button}</h1>
      <Alert screen={screen} />
      <form method="post" action={screen.action}>
        <FormToken screen={screen} />
        <button type="submit">{screen.texts.signOut.button}</button>
      </form>
    </Card>
  ),
})
