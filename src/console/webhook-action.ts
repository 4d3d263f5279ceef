/** Pages that do one thing with a webhook endpoint. */
import type { FormSchema } from '../description.ts'
import { pathId } from '../http/input.ts'
import type { Operation } from '../operation.ts'
import { refuse } from '../problem.ts'
import { readWebhook } from '../webhooks/read-webhook.route.ts'
import { findEndpoint } from '../webhooks/store.ts'
import { asks, type ConsoleForm, consoleForm, doneAt, idIn } from './console.ts'
import type { WebhookActionName } from './languages/texts.ts'

type WebhookAction<Form extends FormSchema> = Pick<ConsoleForm<Form>, 'form' | 'asking'> & {
  verb: WebhookActionName
  does: Operation
}

/** @param name of the file and the export */
export const webhookActionPage = <const Form extends FormSchema>(
  name: string,
  { verb, does, form, asking }: WebhookAction<Form>,
): [Operation, Operation] =>
  consoleForm(name, {
    path: `/console/webhooks/:id/${verb}`,
    asks: [readWebhook, does],
    ask: (asked) =>
      asks([findEndpoint(asked.ctx, pathId(idIn(asked)))], ({ found: [[endpoint]] }) =>
        endpoint ? { verb, endpoint } : refuse('not_found'),
      ),
    view: async (desk, on) => (await import('./views/webhook.tsx')).webhookAction(desk, on),
    form,
    does,
    asking,
    after: (asked) => doneAt(asked, `/console/webhooks/${pathId(idIn(asked))}`, verb.replaceAll('-', '_')),
  })
