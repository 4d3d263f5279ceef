/** Pages that let people sign in with a provider, or no longer. */
import { pathId } from '../http/input.ts'
import type { Operation } from '../operation.ts'
import { refuse } from '../problem.ts'
import { listProviders } from '../social/list-providers.route.ts'
import { findProviders } from '../social/provider-store.ts'
import { updateProvider } from '../social/update-provider.route.ts'
import { asks, consoleForm, doneAt, idIn, NoFields } from './console.ts'
import type { ProviderActionName } from './languages/texts.ts'

/** @param name of the file and the export */
export const providerActionPage = (name: string, verb: ProviderActionName): [Operation, Operation] =>
  consoleForm(name, {
    path: `/console/providers/:id/${verb}`,
    asks: [listProviders, updateProvider],
    ask: (asked) =>
      asks([findProviders(asked.ctx)], ({ found: [providers] }) => {
        const id = pathId(idIn(asked))
        const provider = providers.find((one) => one.id === id)
        return provider ? { verb, provider } : refuse('not_found')
      }),
    view: async (desk, on) => (await import('./views/providers.tsx')).providerAction(desk, on),
    form: NoFields,
    does: updateProvider,
    asking: (_, asked) => ({ params: { id: idIn(asked) }, body: { enabled: verb === 'enable' } }),
    after: (asked) => doneAt(asked, '/console/providers', verb),
  })
