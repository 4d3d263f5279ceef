/** Pages that do one thing with an account: whose it is, a reason, and a button. */
import * as v from 'valibot'
import { type FoundAccount, findAccounts } from '../access/find-store.ts'
import { readUser } from '../admin/read-user.route.ts'
import type { FormSchema } from '../description.ts'
import { pathId, text } from '../http/input.ts'
import type { Operation } from '../operation.ts'
import { FORM_FIELDS, type View } from '../pages/hosted.ts'
import { refuse } from '../problem.ts'
import { asks, consoleForm, doneAt, idIn } from './console.ts'
import type { Desk } from './desk.ts'
import type { UserActionName } from './languages/texts.ts'

export type ActionOn = { verb: UserActionName; account: FoundAccount }

/** What every such form has. The operation says what a reason may be. */
export const REASON = { ...FORM_FIELDS, reason: v.optional(text(1000)) }
export const Reasoned = v.strictObject(REASON)

type UserAction<Form extends FormSchema> = {
  verb: UserActionName
  does: Operation
  form: Form
  /** What the operation takes of the form; all of it but its token, unless given. */
  body?(form: v.InferOutput<Form>): Record<string, unknown>
  view?(desk: Desk, on: ActionOn): View | Promise<View>
}

/** @param name of the file and the export */
export const userActionPage = <const Form extends FormSchema>(
  name: string,
  { verb, does, form, body, view }: UserAction<Form>,
): [Operation, Operation] =>
  consoleForm(name, {
    path: `/console/users/:id/${verb}`,
    asks: [readUser, does],
    ask: (asked) =>
      asks(
        [findAccounts(asked.ctx, { host: asked.ctx.host }, { id: pathId(idIn(asked)) })],
        ({ found: [[account]] }) => (account ? { verb, account } : refuse('not_found')),
      ),
    view: async (desk, on: ActionOn) =>
      view ? view(desk, on) : (await import('./views/user-action.tsx')).userAction(desk, on),
    form,
    does,
    asking: (typed, asked) => {
      const { form_token: _, ...fields } = typed as { form_token?: string } // every form has it
      return { params: { id: idIn(asked) }, body: body ? body(typed) : fields }
    },
    after: (asked) => doneAt(asked, `/console/users/${pathId(idIn(asked))}`, verb.replaceAll('-', '_')),
  })
