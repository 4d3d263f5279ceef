// @ts-check
/**
 * What a deployment's own repository can run, and the file in ops/ that does it. What is about the code of the service (docs, tests, benchmarks) is not
 * among them.
 * @type {Readonly<Record<string, string>>}
 */
export const COMMANDS = {
  init: 'repository.ts',
  update: 'repository.ts',
  setup: 'setup.ts',
  deploy: 'deploy.ts',
  doctor: 'doctor.ts',
  migrate: 'migrate.ts',
  keys: 'keys.ts',
  tenants: 'tenants.ts',
  users: 'users.ts',
  admins: 'admins.ts',
  'api-keys': 'api-keys.ts',
  audit: 'audit.ts',
  events: 'events.ts',
  import: 'import.ts',
}
