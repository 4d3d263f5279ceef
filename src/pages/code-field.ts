/** The page that takes a mailed code. */
import { type Asked, show } from './hosted.ts'
import { NOTHING_WRONG, type Screen } from './screen.ts'

export type CodeData = { email: string }

export const CODE_PATH = '/sign-in/code/enter'
export const viewCode = async (screen: Screen, { email }: CodeData) =>
  (await import('./views/email-code.tsx')).enterCode(screen, email)

export const showCodeField = (asked: Asked, email: string): Promise<Response> =>
  show({ path: CODE_PATH, view: viewCode }, asked, { email }, { status: 200, wrong: NOTHING_WRONG })
