/** Going on as who is signed in already. */
import type { Present } from '../../sessions/presence.ts'
import { queryOf } from '../flow.ts'
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import { Alert, FormToken } from './fields.tsx'
import { Card } from './layout.tsx'

export function continueAs(screen: Screen, { user }: Present): View {
  const { goOn: words } = screen.texts
  return {
    heading: words.heading,
    content: (
      <Card>
        <h1>{words.heading}</h1>
        <p class="lead">{words.lead(user.email ?? user.name ?? user.id)}</p>
        <Alert screen={screen} />
        <form method="post" action={screen.action}>
          <FormToken screen={screen} />
          <button type="submit">{words.button}</button>
        </form>
        <p class="more">
          <a href={`/sign-in${queryOf(screen.flow, { prompt: 'login' })}`}>{words.other}</a>
        </p>
      </Card>
    ),
  }
}
