/**
 * A page of the console: shown to who may call the operation whose answer it shows, with the same permission, authentication and
 * limit, and its form has an operation done. A page holds no rule of its own. Who may not see it gets one answer, whichever
 * page it is and whatever it would show.
 */
import type { BatchItem } from 'drizzle-orm/batch'
import * as v from 'valibot'
import type { FormSchema } from '../description.ts'
import type { CallerOperation } from '../guard/caller.ts'
import { checkLimits } from '../limits/check.ts'
import type { Operation, Performed } from '../operation.ts'
import { toSignIn, toStepUp } from '../pages/account.ts'
import {
  type Asked,
  FORM_FIELDS,
  type HostedPage,
  hostedPage,
  requireFormToken,
  type ShownPage,
  seeOther,
  shownPage,
  type View,
} from '../pages/hosted.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { asCaller, type Present, readPresence } from '../sessions/presence.ts'
import { type Desk, deskOf, leadsTo, maySee, mustStepUp, type Sight } from './desk.ts'
import { SECTIONS } from './sections.ts'

type Queries = readonly BatchItem<'pg'>[]
type Results<Asking extends Queries> = { [Index in keyof Asking]: Asking[Index]['_']['result'] }

type Asks<Asking extends Queries, Data> = {
  /** What goes with the trip that reads who is there: bound to the host's tenant, and shown only to who may see it. */
  queries: Asking
  /** What is shown of it; or leads elsewhere. */
  read(seen: { present: Present; found: Results<Asking> }): Answered<Data> | Promise<Answered<Data>>
}
type Answered<Data> = Data | Refusal | Response

/** What a page asks and what it makes of the answer: two arguments, so that the second has the types of the first. */
export const asks = <const Asking extends Queries, Data>(
  queries: Asking,
  read: Asks<Asking, Exclude<Data, Refusal | Response>>['read'],
): Asks<Asking, Exclude<Data, Refusal | Response>> => ({ queries, read })

type ConsolePage<Asking extends Queries, Data> = Sight &
  Pick<ShownPage<Data>, 'query' | 'refusedIn'> & {
    path: `/console${string}`
    ask(asked: Asked): Asks<Asking, Data> | Promise<Asks<Asking, Data>>
    /** Trips to PostgreSQL besides that one. */
    more?: 1
    /** Who may not see it, but another page, is led there. */
    isEntrance?: true
    view(desk: Desk, data: Data): View | Promise<View>
  }

/** Of every page, besides what its operation refuses. */
const REFUSALS = ['insufficient_role', 'not_found'] as const

type Seen<Data> = { present: Present; data: Data }

/** @param name of the file and the export */
export const consolePage = <const Asking extends Queries, Data>(
  name: string,
  page: ConsolePage<Asking, Data>,
): Operation => shownPage<Seen<Data>>(name, shown(page))

type Asking = Pick<Performed, 'params' | 'body' | 'query'> & {
  /** The media type that is wanted, where the operation has several. */
  accept?: string
}

export type ConsoleForm<Form extends FormSchema> = {
  form: Form
  /** What its form has done: it decides, refuses and is limited as for everyone. */
  does: Operation
  /** What the operation takes. */
  asking(form: v.InferOutput<Form>, asked: Asked): Asking | Refusal
  formFile?: string
  maxBodyBytes?: number
  budget?: HostedPage<Form, unknown>['budget']
  answers?: HostedPage<Form, unknown>['answers']
  /** Where the person goes once it is done. */
  after(asked: Asked, response: Response, present: Present): Response | Promise<Response>
}

/** A page with a form. Its operations are `<name>` and `<name>Form`. */
export const consoleForm = <
  const Asking extends Queries,
  Data,
  const Form extends FormSchema = typeof NoFields,
>(
  name: string,
  page: ConsolePage<Asking, Data> & ConsoleForm<Form>,
): [Operation, Operation] =>
  hostedPage<Form, Seen<Data>>(name, {
    ...shown(page),
    form: page.form,
    limits: (page.does.limits ?? page.does.id) as CallerOperation, // every operation that a caller may call has a row
    refusals: [...page.does.refusals, ...REFUSALS],
    budget: page.budget ?? { redis: 1, postgres: page.does.budget.postgres + 1 },
    ...(page.answers && { answers: page.answers }),
    ...(page.formFile && { formFile: page.formFile }),
    ...(page.maxBodyBytes && { maxBodyBytes: page.maxBodyBytes }),
    take: async (asked) => {
      const { c, ctx, headers, form } = asked
      const read = await readPresence(ctx, headers, () => [] as const, 'pages')
      if (isRefusal(read)) return read
      const { present } = read
      if (!present) return toSignIn(asked)
      const refused = await requireFormToken(asked, form as { form_token?: string }, present) // every form has it (FORM_FIELDS)
      if (refused) return refused
      if (!maySee(present, page)) return notShown(present)
      const asking = page.asking(form, asked)
      if (isRefusal(asking)) return asking
      const called = await asCaller(ctx, headers, present)
      const { accept = 'application/json', ...rest } = asking
      called.set('accept', accept)
      const done = await page.does.perform({ c, ctx, headers: called, ...rest })
      return isRefusal(done) ? done : page.after(asked, done, present)
    },
  })

/** The form of a button. */
export const NoFields = v.strictObject(FORM_FIELDS)

function shown<Asking extends Queries, Data>(page: ConsolePage<Asking, Data>): ShownPage<Seen<Data>> {
  return {
    path: page.path,
    query: page.query ?? {},
    shownBudget: { redis: 1, postgres: 1 + (page.more ?? 0) },
    shownRefusals: REFUSALS,
    load: async (asked) => {
      const { ctx, headers } = asked
      const asks = await page.ask(asked)
      const read = await readPresence(ctx, headers, () => asks.queries, 'pages')
      if (isRefusal(read)) return read
      const { present, found } = read
      if (!present) return toSignIn(asked)
      if (!maySee(present, page)) {
        const other = page.isEntrance && SECTIONS.find((section) => maySee(present, section))
        return other ? seeOther(leadsTo(asked.flow, other.path)) : notShown(present)
      }
      if (mustStepUp(present, page)) return toStepUp(asked)
      const [{ limits, id } = { limits: undefined, id: '' }] = page.asks
      const session = { session: present.session.id }
      const limited = await checkLimits(ctx, (limits ?? id) as CallerOperation, session) // as above
      if (limited) return limited
      const data = await asks.read({ present, found: found as Results<Asking> })
      return isRefusal(data) || data instanceof Response ? data : { present, data }
    },
    ...(page.refusedIn && { refusedIn: ({ data }: Seen<Data>) => page.refusedIn?.(data) ?? null }),
    shownTo: ({ present }) => present,
    view: async (screen, { present, data }) => {
      const desk = deskOf(screen, present)
      const { Nav } = await import('./views/nav.tsx')
      return { ...(await page.view(desk, data)), isWide: true, nav: Nav({ desk, at: page.path }) }
    },
  }
}

/** The one answer to who may not see a page, whichever page it is. */
const notShown = (present: Present): Refusal =>
  refuse('insufficient_role', { evidence: { subject: present.user.id } })

/** What the address asks of an operation, by the names of the operation; a field of a form that was left empty asks nothing. */
export function queryFor(operation: Operation, { c }: Pick<Asked, 'c'>): Record<string, string> {
  const entries =
    operation.query && 'entries' in operation.query ? Object.keys(operation.query.entries as object) : []
  const asked = Object.entries(c.req.query()).filter(([, value]) => value !== '')
  return Object.fromEntries(asked.filter(([name]) => entries.includes(name)))
}

/** Back to a page of the console, which says what was done. */
export const doneAt = ({ flow }: Pick<Asked, 'flow'>, path: string, done: string): Response =>
  seeOther(leadsTo(flow, path, { done }))

/** Of a path. */
export const idIn = ({ c }: Pick<Asked, 'c'>, name = 'id'): string => c.req.param(name) ?? ''
