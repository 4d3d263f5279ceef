/** The page before a provider: a link, because browsers hold the redirects of a form to `form-action`, and where a provider is may be anywhere. */
import type { Present } from '../sessions/presence.ts'
import type { Started } from '../social/start.ts'
import { type Asked, show } from './hosted.ts'
import type { Leaving, Texts } from './languages/texts.ts'
import { NOTHING_WRONG, type Screen } from './screen.ts'

/** @param rest.back the page that led here */
export async function showLeaving(
  asked: Asked & { present: Present },
  { url, cookie }: Started,
  { wordsIn, back }: { wordsIn(texts: Texts): Leaving; back: `/${string}` },
): Promise<Response> {
  const view = async (screen: Screen) =>
    (await import('./views/leaving.tsx')).leaveFor(screen, { url, back, words: wordsIn(screen.texts) })
  const page = { path: back, view, shownTo: () => asked.present } as const
  const shown = await show(page, asked, undefined, { status: 200, wrong: NOTHING_WRONG })
  shown.headers.append('set-cookie', cookie)
  return shown
}
