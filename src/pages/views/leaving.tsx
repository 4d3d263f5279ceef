/** Before a provider. */
import type { View } from '../hosted.ts'
import type { Leaving } from '../languages/texts.ts'
import type { Screen } from '../screen.ts'
import { BackToAccount } from './account.tsx'
import { Card } from './layout.tsx'

/** @param to.url where the provider asks the person, as it says itself; never anything but a web address */
export const leaveFor = (
  screen: Screen,
  { url, back, words }: { url: string; back: string; words: Leaving },
): View => ({
  heading: words.heading,
  content: (
    <Card>
      <h1>{words.heading}</h1>
      <p class="lead">{words.lead}</p>
      <a class="button" href={/^https?:\/\//.test(url) ? url : screen.to(back)} rel="noreferrer">
        {words.goOn}
      </a>
      <BackToAccount screen={screen} />
    </Card>
  ),
})
