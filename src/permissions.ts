/**
 * What operations of administrators demand, one each. `npm run docs` prints it into docs/permissions.md. Which role has which is
 * said by the tenant (tenants/roles.ts).
 */

/** Ours, and what each allows. `admin` has them all, whatever the tenant declares. */
export const PERMISSIONS = {
  'latchkey:api-keys:import': 'import API keys of another system, by their hashes',
  'latchkey:audit:read': 'read the audit log',
  'latchkey:invitations:create': 'invite people',
  'latchkey:metadata:read': 'read what your product has written on an account',
  'latchkey:metadata:write': 'write it',
  'latchkey:providers:read': 'see the providers that people may sign in with',
  'latchkey:providers:write': 'add, change and remove them',
  'latchkey:roles:write': 'give roles and take them away',
  'latchkey:tenant:read': 'read the tenant and its settings',
  'latchkey:tenant:write': 'change its settings; only `admin` may, whatever is declared',
  'latchkey:users:impersonate': 'act as another person; only `admin` may, whatever is declared',
  'latchkey:users:import': 'import accounts',
  'latchkey:users:read': 'find people, and read their accounts and events',
  'latchkey:users:write': 'create, disable, sign out, reset, close and restore accounts',
  'latchkey:webhooks:read': 'see webhook endpoints and their deliveries',
  'latchkey:webhooks:write': 'make, change, test, replay and delete them',
} as const

/** One that an operation of ours may demand. */
export type Permission = keyof typeof PERMISSIONS
