/** /console/providers/{id}/disable — No one signs in with a provider until it is enabled again. */
import { providerActionPage } from './provider-action.ts'

export const consoleProviderDisablePage = providerActionPage('consoleProviderDisablePage', 'disable')
