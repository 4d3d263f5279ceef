/**
 * A page of someone's account: shown to who is there by their cookie, and its form calls the operation for them. Who is not there
 * signs in first and comes back; who must show again that it is them does that first.
 */
import type { BatchItem } from 'drizzle-orm/batch'
import type * as v from 'valibot'
import type { Context } from '../context.ts'
import type { FormSchema } from '../description.ts'
import type { Demands } from '../guard/demands.ts'
import type { Operation } from '../operation.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import { asCaller, meets, type OwnSession, type Present, readPresence } from '../sessions/presence.ts'
import { backOf, queryOf } from './flow.ts'
import {
  type Asked,
  type HostedPage,
  hostedPage,
  requireFormToken,
  returnTo,
  seeOther,
  type View,
} from './hosted.ts'
import type { Screen } from './screen.ts'

type Queries = readonly BatchItem<'pg'>[]

export type Own<Asking extends Queries> = {
  present: Present
  found: { [Index in keyof Asking]: Asking[Index]['_']['result'] }
}

type AccountPage<Form extends FormSchema, Asking extends Queries> = Pick<
  HostedPage<Form, unknown>,
  'path' | 'form' | 'limits' | 'refusals' | 'budget' | 'answers' | 'alerts'
> & {
  /** The page that shows its form, and where a look at this one leads. */
  comesFrom?: string
  /** What its operation demands, so that no form is filled in for nothing. */
  demands?: Demands
  queries(ctx: Context, own: OwnSession): Asking | Promise<Asking>
  view(screen: Screen, own: Own<Asking>): View | Promise<View>
  /** @param asked.called headers with which an operation takes them for its caller */
  take(
    asked: Asked & { form: v.InferOutput<Form>; present: Present; called: Headers },
  ): Promise<Response | Refusal>
}

export const accountPage = <const Form extends FormSchema, const Asking extends Queries>(
  name: string,
  page: AccountPage<Form, Asking>,
): [Operation, Operation] =>
  hostedPage<Form, Own<Asking>>(name, {
    ...page,
    ...(page.comesFrom !== undefined && { shownBudget: { postgres: 0 } }),
    load: async (asked) => {
      const { ctx, headers } = asked
      if (page.comesFrom !== undefined && asked.c.req.method === 'GET')
        return seeOther(`${page.comesFrom}${queryOf(asked.flow)}`)
      const read = await readPresence(ctx, headers, (own) => page.queries(ctx, own), 'pages')
      if (isRefusal(read)) return read
      const { present, found } = read
      if (!present) return toSignIn(asked)
      if (page.demands && meets(present, page.demands)) return toStepUp(asked)
      return { present, found }
    },
    shownTo: ({ present }) => present,
    take: async (asked) => {
      const { ctx, headers, form } = asked
      const read = await readPresence(ctx, headers, () => [] as const, 'pages')
      if (isRefusal(read)) return read
      const { present } = read
      if (!present) return toSignIn(asked)
      const refused = await requireFormToken(asked, form as { form_token?: string }, present) // every form has it (FORM_FIELDS)
      if (refused) return refused
      return page.take({ ...asked, present, called: await asCaller(ctx, headers, present) })
    },
  })

export const toSignIn = (asked: Asked) =>
  seeOther(`/sign-in${queryOf(asked.flow, { return_to: returnTo(asked), error: asked.flow.error })}`)

export const toStepUp = (asked: Asked) =>
  seeOther(`/step-up${queryOf(asked.flow, { return_to: returnTo(asked), error: asked.flow.error })}`)

/** Back to the account, which says what was done. */
export const doneAt = (
  { flow }: Asked,
  path: string,
  done: string,
  cookies: readonly string[] = [],
): Response => seeOther(`${path}${queryOf(flow, { done })}`, cookies)

/** Back to where the person was asked to show again that it is them. */
export const backFromStepUp = ({ flow }: Pick<Asked, 'flow'>): Response => seeOther(backOf(flow))
