/** /console/providers/{id}/enable — Let people sign in with a provider again. */
import { providerActionPage } from './provider-action.ts'

export const consoleProviderEnablePage = providerActionPage('consoleProviderEnablePage', 'enable')
