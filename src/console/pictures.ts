/** The pictures of the overview: what each of them counts, and over which time. */
import type { EventCount } from '../audit/count-store.ts'
import type { EventType } from '../events/catalogue.ts'
import type { DropCount } from '../mailer/drops-store.ts'
import type { Window } from '../storage/intervals.ts'

export const SPANS = ['day', 'week', 'month'] as const
export type Span = (typeof SPANS)[number]

const HOUR = 3600
const INTERVALS: Record<Span, { seconds: number; steps: number }> = {
  day: { seconds: HOUR, steps: 24 },
  week: { seconds: 6 * HOUR, steps: 28 },
  month: { seconds: 24 * HOUR, steps: 30 },
}

export const PICTURES = ['sign_ins', 'refusals', 'accounts', 'mails', 'webhooks'] as const
export type PictureName = (typeof PICTURES)[number]

export const CHANGES: Record<Exclude<PictureName, 'refusals' | 'mails'>, readonly EventType[]> = {
  sign_ins: ['session.started'],
  accounts: ['user.registered', 'user.created', 'user.imported'],
  webhooks: ['webhook.delivery_dead', 'webhook.disabled'],
}
export const REFUSALS: readonly EventType[] = [
  'session.refused',
  'registration.refused',
  'token.refused',
  'refresh.refused',
  'access.refused',
  'limit.exceeded',
]

export type Series = { name: string; counts: number[] }
export type Picture = { name: PictureName; series: Series[]; isCut: boolean }
export type Counted = Window & { pictures: Picture[] }

/** Up to the end of the interval that runs now, which begins at a whole one: so that a minute later it is the same. */
export function windowOf(now: Date, span: Span): Window {
  const { seconds, steps } = INTERVALS[span]
  const last = Math.floor(now.getTime() / 1000 / seconds) * seconds
  return { from: new Date((last - (steps - 1) * seconds) * 1000).toISOString(), seconds, steps }
}

/** Of one series: how many there were in an interval. */
type Tally = Pick<EventCount, 'step' | 'count' | 'isCut'> & { series: string }

export function picturesOf(
  counts: readonly EventCount[],
  mails: readonly DropCount[],
  { steps }: Pick<Window, 'steps'>,
): Picture[] {
  const ofTypes = (types: readonly string[]) => counts.filter(({ type }) => types.includes(type))
  return PICTURES.map((name) => {
    if (name === 'mails')
      return pictureOf(
        name,
        mails.map(({ reason, ...mail }) => ({ ...mail, series: reason })),
        steps,
      )
    const own = name === 'refusals' ? ofTypes(REFUSALS) : ofTypes(CHANGES[name])
    return pictureOf(
      name,
      own.map(({ type, code, ...event }) => ({ ...event, series: code ?? type })),
      steps,
    )
  })
}

function pictureOf(name: PictureName, tallies: readonly Tally[], steps: number): Picture {
  const series = [...new Set(tallies.map((tally) => tally.series))].map((one) => ({
    name: one,
    counts: Array.from({ length: steps }, (_, step) =>
      tallies
        .filter((tally) => tally.step === step && tally.series === one)
        .reduce((sum, { count }) => sum + count, 0),
    ),
  }))
  const total = ({ counts: all }: Series) => all.reduce((sum, count) => sum + count, 0)
  return {
    name,
    series: series.toSorted((one, other) => total(other) - total(one)),
    isCut: tallies.some(({ isCut }) => isCut),
  }
}
