/** The deployment's key ids, as `npm run keys` would leave them. */
import type { Backend } from './service.ts'

/** Nothing is under these keys any more, and no Worker needs them. */
export const retireKeys = ({ sql }: Pick<Backend, 'sql'>, ...keyIds: string[]) =>
  sql('delete from auth_keys where key_id = any($1)', [keyIds])
