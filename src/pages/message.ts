/** A page that says what happened, and has no form. */
import { type Asked, show } from './hosted.ts'
import type { Texts } from './languages/texts.ts'
import { NOTHING_WRONG, type Screen } from './screen.ts'

type Message = { heading: string; next: string }

/** @param options.on a page that leads on, and what it is called */
export async function showMessage(
  asked: Asked,
  messageIn: (texts: Texts) => Message,
  {
    cookies = [],
    on,
  }: { cookies?: readonly string[]; on?: (texts: Texts) => { path: string; text: string } } = {},
): Promise<Response> {
  const page = {
    path: '/' as const,
    view: async ({ texts, to }: Screen) => {
      const { message } = await import('./views/message.tsx')
      return message(messageIn(texts), on ? { ...on(texts), to } : null)
    },
  }
  const response = await show(page, asked, undefined, { status: 200, wrong: NOTHING_WRONG })
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}
