/** What a view of the console is given, and what it needs to know: who looks, what they may see, and where things are. */
import type { Demands } from '../guard/demands.ts'
import { demandsOf, type Operation } from '../operation.ts'
import { type Flow, pathWith, queryOf } from '../pages/flow.ts'
import type { Screen } from '../pages/screen.ts'
import { meets, type Present } from '../sessions/presence.ts'
import { LANGUAGES } from './languages/all.ts'
import type { ConsoleTexts } from './languages/texts.ts'

/** What a view of the console is given besides the screen of every page. */
export type Desk = { screen: Screen; words: ConsoleTexts; present: Present; moment(time: Date): string }

export type Sight = {
  /** The operations that it shows the answers of, or has done: who may not call one of them does not see it. */
  asks: readonly Operation[]
  /** What an operation demands by what it is asked, besides what its description says. */
  demands?: Demands
}

/** Whether the roles of the person allow it, whatever else is demanded: that can be shown again. */
export const maySee = (present: Present, { asks, demands = {} }: Sight): boolean =>
  [...asks.map(demandsOf), demands].every(({ maxAge: _, ...rest }) => meets(present, rest) === null)

export const mustStepUp = (present: Present, { asks }: Sight): boolean =>
  asks.map(demandsOf).some(({ maxAge }) => maxAge !== undefined && meets(present, { maxAge }) !== null)

export function deskOf(screen: Screen, present: Present): Desk {
  const moment = new Intl.DateTimeFormat(screen.tag, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'UTC',
  })
  return { screen, words: wordsIn(screen.tag), present, moment: (time) => `${moment.format(time)} UTC` }
}

const wordsIn = (tag: string): ConsoleTexts =>
  Object.hasOwn(LANGUAGES, tag) ? LANGUAGES[tag as keyof typeof LANGUAGES] : LANGUAGES.en

/** The address of another page of the console. */
export const leadsTo = (
  flow: Flow,
  path: string,
  query: Record<string, string | null | undefined> = {},
): string => {
  const members = Object.entries(query).flatMap(([name, value]) => (value ? [[name, value]] : []))
  const own = members.length === 0 ? '' : `?${new URLSearchParams(members)}`
  return pathWith(path + own, queryOf(flow, { return_to: undefined }))
}
