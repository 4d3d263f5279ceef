/** What the tenants hold about people: nothing. */
import type { PersonalData } from '../storage/personal-data.ts'

export const tenantsData = {
  tenants: { holdsNoPerson: 'a pool of people, by its own name' },
  tenant_hosts: { holdsNoPerson: 'the same' },
} as const satisfies PersonalData
