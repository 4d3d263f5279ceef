/** A database as a busy deployment has it: a million sessions. Made inside PostgreSQL, in a minute or two. */
import type pg from 'pg'

const USERS = 200_000
const SESSIONS_PER_USER = 5
/** Sessions whose token was used once, so that it has a successor. */
const REFRESHED = 200_000

/** Fills the tables beside what is in them, for the tenant that is there, and lets the planner see it. */
export async function fill(client: pg.Client): Promise<void> {
  await client.query(`
    create temporary table filled_users on commit preserve rows as
    select uuidv7(make_interval(secs => -n)) as id, n, (select id from tenants order by id limit 1) as tenant_id
    from generate_series(1, ${USERS}) n`)
  await client.query(`
    insert into users (id, tenant_id, email, name, created_at, roles, status, awaits_proof_since)
    select id, tenant_id, 'user' || n || '@example.com', 'User ' || n, now() - make_interval(secs => n),
      case when n % 1000 = 1 then '{member,editor}' when n % 2 = 1 then '{member}' else '{}'::text[] end,
      case when n % 500 = 3 then 'disabled' else 'active' end,
      case when n % 20 = 0 then now() - make_interval(secs => n) end
    from filled_users`)
  await client.query(`
    insert into passwords (user_id, tenant_id, phc, key_id)
    select id, tenant_id, '$argon2id$v=19$m=19456,t=2,p=1$' || md5(id::text) || '$' || md5(n::text), 'k1' from filled_users`)
  // One in four has been ended, one in ten has expired.
  await client.query(`
    insert into sessions (id, tenant_id, user_id, created_at, last_used_at, expires_at, idle_expires_at,
      revoked_at, revoke_reason, amr, aal, address, country, user_agent, device_label)
    select uuidv7(make_interval(secs => -n * 3 - device)), tenant_id, id, now() - interval '20 days', now() - interval '1 day',
      expires_at, expires_at, case when (n + device) % 4 = 0 then now() end, case when (n + device) % 4 = 0 then 'signed_out' end,
      '{pwd}', 1, '203.0.113.0/24', 'DE', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', 'Safari on macOS'
    from filled_users, generate_series(1, ${SESSIONS_PER_USER}) device,
      lateral (select now() + make_interval(hours => case when (n + device) % 10 = 0 then -1 else 100 end) as expires_at) life`)
  await client.query(`
    insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, expires_at)
    select gen_random_uuid(), tenant_id, id, sha256(id::text::bytea), 'k1', expires_at from sessions
    where not exists (select from refresh_tokens made where made.session_id = sessions.id)`)
  await client.query(`
    with used as (
      update refresh_tokens set used_at = now() - interval '1 hour'
      where id in (select id from refresh_tokens where key_id = 'k1' and parent_id is null and used_at is null limit ${REFRESHED})
      returning *)
    insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, parent_id, expires_at)
    select gen_random_uuid(), tenant_id, session_id, sha256(id::text::bytea), key_id, id, expires_at from used
    on conflict do nothing`)
  await client.query(`
    insert into events (id, tenant_id, type, subject, actor, dispatched_at)
    select gen_random_uuid(), tenant_id, 'session.started', id, id, now() from filled_users`)
  await client.query(`
    insert into sign_in_failures (tenant_id, subject, consecutive_failures)
    select tenant_id, sha256(id::text::bytea), n % 9 from filled_users`)
  await client.query(`
    insert into idempotency_keys (tenant_id, actor, operation, key, sealed_answer, expires_at)
    select tenant_id, case when n % 2 = 0 then id::text else 'anonymous' end, 'register', id, repeat(md5(n::text), 60),
      now() + interval '1 day' from filled_users`)
  await client.query(`
    insert into person_keys (user_id, tenant_id, sealed_key)
    select id, tenant_id, repeat(md5(n::text), 3) from filled_users on conflict do nothing`)
  await client.query(`
    insert into audit_events (id, occurred_at, tenant_id, sequence, type, actor, subject, session_ids, data, personal,
      network, previous_hash, hash)
    select gen_random_uuid(), now() - make_interval(mins => n), tenant_id, n,
      (array['session.started', 'session.refused', 'user.updated', 'session.ended'])[1 + n % 4], id, id,
      array[gen_random_uuid()], '{}', repeat(md5(n::text), 6), ('10.' || n % 250 || '.' || n % 97 || '.0/24')::cidr,
      sha256(id::text::bytea), sha256(id::text::bytea)
    from filled_users`)
  await client.query(`
    insert into webhook_endpoints (id, tenant_id, url, events, sealed_secret)
    select gen_random_uuid(), (select id from tenants order by id limit 1), 'https://example.com/' || n, '{*}', 'x'
    from generate_series(1, 10) n`)
  await client.query(`
    insert into webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, payload, state, settled_at, next_attempt_at)
    select gen_random_uuid(), filled_users.tenant_id, webhook_endpoints.id, filled_users.id, 'session.started', '{}',
      case when n % 100 = 0 then 'pending' when n % 50 = 0 then 'dead' else 'delivered' end,
      case when n % 100 > 0 then now() end, now() + interval '1 hour'
    from filled_users, webhook_endpoints where url like 'https://example.com/%' and n <= 50000`)
  await client.query(`
    insert into mails (event_id, user_id, tenant_id, template, state, settled_at)
    select id, id, tenant_id, 'session_ended', 'sent', now() from filled_users`)
  // One in fifty was closed a while ago, and waits to be erased.
  await client.query(`
    update users set deleted_at = now() - make_interval(days => n % 30) from filled_users
    where users.id = filled_users.id and n % 50 = 0`)
  await client.query(`
    insert into one_time_tokens (id, tenant_id, user_id, purpose, holder, subject, hash, key_id, expires_at)
    select gen_random_uuid(), tenant_id, id, purpose, id::text, 'user' || n || '@example.com',
      sha256((id::text || purpose)::bytea), 'k1', now() + make_interval(hours => n % 24)
    from filled_users, unnest(array['verify_email', 'reset_password', 'sign_in']) as purpose where n <= 100000`)
  // Every second account has an app, one in five of them not confirmed, and two passkeys.
  await client.query(`
    insert into totp_factors (id, tenant_id, user_id, sealed_secret, created_at, confirmed_at)
    select gen_random_uuid(), tenant_id, id, repeat(md5(n::text), 3), now() - make_interval(secs => n),
      case when n % 10 > 0 then now() end
    from filled_users where n % 2 = 0`)
  await client.query(`
    insert into recovery_codes (id, tenant_id, user_id, sealed_hash, used_at)
    select gen_random_uuid(), tenant_id, id, repeat(md5(n::text), 3), case when code = 1 then now() end
    from filled_users, generate_series(1, 10) code where n % 10 = 2`)
  await client.query(`
    insert into mfa_challenges (id, tenant_id, user_id, purpose, hash, amr, is_known_browser, expires_at)
    select gen_random_uuid(), tenant_id, id, case when n % 20 = 0 then 'enrol' else 'sign_in' end, sha256(id::text::bytea),
      '{pwd}', false, now() + make_interval(secs => n % 86400 - 43200)
    from filled_users where n % 2 = 0`)
  await client.query(`
    insert into passkeys (id, tenant_id, user_id, credential_id, public_key, counter, backup_eligible, backed_up, aaguid, name)
    select gen_random_uuid(), tenant_id, id, sha256((id::text || passkey)::bytea), sha256(id::text::bytea), 0, true, true,
      gen_random_uuid(), 'Chrome on Linux'
    from filled_users, generate_series(1, 2) passkey where n % 2 = 0`)
  await client.query(`
    insert into consumed_ceremonies (id, tenant_id, expires_at)
    select sha256(id::text::bytea), tenant_id, now() + make_interval(secs => n % 86400 - 3600) from filled_users`)
  // Every account has one at a provider, and signed in with it a minute ago, or an hour.
  await client.query(`
    insert into identities (id, tenant_id, user_id, provider, issuer, subject)
    select gen_random_uuid(), tenant_id, id, 'idp', 'https://idp.example', id::text from filled_users`)
  await client.query(`
    insert into oauth_states (id, tenant_id, expires_at)
    select sha256(id::text::bytea), tenant_id, now() + make_interval(secs => n % 86400 - 3600) from filled_users`)
  await client.query(`
    insert into oauth_exchanges (code_hash, tenant_id, user_id, code_challenge, amr, aal, expires_at)
    select sha256(id::text::bytea), tenant_id, id, md5(n::text), '{fed}', 1, now() + make_interval(secs => n % 86400 - 3600)
    from filled_users`)
  await client.query(`
    insert into trusted_devices (id, tenant_id, user_id, hash, device_label, expires_at)
    select gen_random_uuid(), tenant_id, id, sha256((id::text || 'trusted')::bytea), 'Safari on macOS',
      now() + make_interval(hours => n % 720 - 24)
    from filled_users where n % 2 = 0`)
  // One in ten has a key of their own; the tenant has some thousand of another system.
  await client.query(`
    insert into api_keys (id, tenant_id, user_id, name, scopes, hash, is_foreign, expires_at, revoked_at)
    select gen_random_uuid(), tenant_id, case when n % 100 > 0 then id end, 'Key ' || n, '{orders:read}', sha256(id::text::bytea),
      n % 100 = 0, case when n % 3 = 0 then now() + make_interval(hours => n % 8760) end,
      case when n % 7 = 0 then now() - make_interval(hours => n % 720) end
    from filled_users where n % 10 = 0`)
  await client.query(`
    insert into second_factor_removals (id, tenant_id, user_id, requested_by, reason, due_at, settled_at, outcome)
    select gen_random_uuid(), tenant_id, id, id, 'lost', now() + make_interval(hours => n % 48 - 24),
      case when n % 4 > 0 then now() - make_interval(hours => n % 720) end, case when n % 4 > 0 then 'removed' end
    from filled_users where n % 5 = 0`)
  await client.query('vacuum analyze')
}
