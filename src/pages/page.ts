/**
 * A page: shown at its path, and its form taken there. Both are operations, and whatever they refuse is a page too, in the
 * reader's language.
 */
import type { Context as HonoContext } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import type { Description, FormSchema } from '../description.ts'
import type { LimitedOperation } from '../limits/limits.ts'
import { type Operation, operation } from '../operation.ts'
import type { Refusal } from '../problem.ts'
import type { Page } from './forms.ts'
import { asPage } from './pages.ts'

type Answered = Promise<Response | Refusal>

type PageOf<Form extends FormSchema> = {
  path: `/link/${string}`
  /** Which page it is to its texts and its fields. */
  page: Page
  form: Form
  /** The row of LIMITS that its form counts against: that of the operation that it is a form of. */
  limits: LimitedOperation
  refusals: Description['refusals']
  budget: Description['budget']
  setsCookie?: true
  show(c: HonoContext<Env>): Answered
  take(c: HonoContext<Env>, form: v.InferOutput<Form>): Answered
}

const HTML = { 'text/html': v.string() } as const

/** @param name of the file and the export; the operations are `<name>` and, for its form, `<name>Form` */
export function page<const Form extends FormSchema>(
  name: string,
  { path, page, form, limits, refusals, budget, setsCookie, show, take }: PageOf<Form>,
): [Operation, Operation] {
  const common = { path, answers: { 200: HTML }, caller: 'anyone', isPage: true } as const
  const shown = operation(
    {
      ...common,
      id: name,
      method: 'GET',
      answerHeaders: ['content-language'],
      refusals: ['invalid_one_time_token'],
      limits: 'linkPage',
      budget: { redis: 0, postgres: 1 },
    },
    ({ c }) => show(c),
    asPage(page),
  )
  const taken = operation(
    {
      ...common,
      id: `${name}Form`,
      method: 'POST',
      form,
      answerHeaders: setsCookie ? ['content-language', 'set-cookie'] : ['content-language'],
      refusals,
      limits,
      budget,
    },
    ({ c, body }) => take(c, body as v.InferOutput<Form>), // of `form`, which TypeScript has lost sight of
    asPage(page),
  )
  return [shown, taken]
}
