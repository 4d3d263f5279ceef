/** The SQL of passkeys that moved in with their accounts. It imports nothing of ours, so that `npm run import` runs in Node. */
import { type SQL, sql } from 'drizzle-orm'

/**
 * `insert …`. @param from yields `user_id`, `tenant_id` and `passkey`: `id`, `credentialId`, `publicKey` (hexadecimal), `counter`,
 * `transports`, `backupEligible`, `backedUp`, `aaguid`, `name`, `isSecondFactor`
 */
export const insertImportedPasskeys = (from: SQL): SQL => sql`
  insert into passkeys (id, tenant_id, user_id, credential_id, public_key, counter, transports, backup_eligible, backed_up,
    aaguid, name, is_second_factor, second_factor_at, is_imported)
  select (passkey->>'id')::uuid, tenant_id, user_id, decode(passkey->>'credentialId', 'hex'), decode(passkey->>'publicKey', 'hex'),
    (passkey->>'counter')::bigint, array(select jsonb_array_elements_text(passkey->'transports')),
    (passkey->>'backupEligible')::boolean, (passkey->>'backedUp')::boolean, (passkey->>'aaguid')::uuid, passkey->>'name',
    (passkey->>'isSecondFactor')::boolean,
    case when (passkey->>'isSecondFactor')::boolean then clock_timestamp() end, true
  from (${from}) as moved`
