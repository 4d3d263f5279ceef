/** Tenants hold no personal data. */
import type { PersonalData } from '../storage/personal-data.ts'

export const tenantsData = {
  tenants: { holdsNoPerson: 'names and logos of organisations' },
  tenant_hosts: { holdsNoPerson: 'host names' },
} as const satisfies PersonalData
