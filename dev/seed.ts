/** Fills a fresh local database with what a deployment's operator would: tenants for this address, a signing key, and an administrator. */
import bcrypt from 'bcryptjs'
import { sql } from 'drizzle-orm'
import type { OperatorContext } from '../ops/context.ts'
import { importUsers } from '../ops/import.ts'
import { rotateSigningKeys } from '../src/keys/rotation.ts'
import { DEMO_ADMINISTRATOR } from '../src/pages/demo-administrator.ts'
import { requireTenantSettings } from '../src/tenants/tenants.ts'

/** Two ways to register (docs/account-life.md): at once on `localhost`, after proof of the address on `verify.localhost`. */
const TENANTS = [
  {
    id: '00000000-0000-7000-8000-000000000001',
    slug: 'default',
    name: 'Default',
    settings: { registration: 'sign-in-at-once' },
    hosts: ['localhost', '127.0.0.1'],
  },
  {
    id: '00000000-0000-7000-8000-000000000002',
    slug: 'verify',
    name: 'Verify',
    settings: { registration: 'verify-first' },
    hosts: ['verify.localhost'],
  },
]

/** Can be run again: on another port the same tenants move to the new address; settings that were changed stay. */
export async function seed(ctx: OperatorContext, port: number): Promise<void> {
  const { db } = ctx
  for (const { id, slug, name, settings, hosts } of TENANTS) {
    const issuer = `http://${hosts[0]}:${port}`
    await db.batch([
      db.execute(sql`
        insert into tenants (id, slug, name, issuer, settings)
        values (${id}, ${slug}, ${name}, ${issuer}, ${JSON.stringify(requireTenantSettings(settings))}::jsonb)
        on conflict (id) do update set issuer = excluded.issuer`),
      db.execute(sql`
        insert into tenant_hosts (host, tenant_id)
        select host || ${`:${port}`}, ${id}::uuid from jsonb_array_elements_text(${JSON.stringify(hosts)}::jsonb) as host
        on conflict (host) do nothing`),
    ])
  }
  const { rows } = await db.execute(sql`select 1 from signing_keys where state = 'current'`)
  if (rows.length === 0) await rotateSigningKeys(ctx, { algorithm: 'EdDSA' })
  for (const { id } of TENANTS) await seedAdministrator(ctx, id)
}

/** It moves in like any other account: where it exists, it stays as it is. */
async function seedAdministrator(ctx: OperatorContext, tenantId: string): Promise<void> {
  const { email, password } = DEMO_ADMINISTRATOR
  const line = JSON.stringify({
    email,
    email_verified: true,
    name: 'Demo administrator',
    roles: ['admin'],
    password_hash: await bcrypt.hash(password, 4), // hashed anew with Argon2id at the first sign-in
  })
  const chunks = (async function* () {
    yield new TextEncoder().encode(`${line}\n`)
  })()
  await importUsers(ctx, { tenantId, rpId: 'localhost', firebase: null }, chunks, ({ status }) => {
    if (status !== 'created' && status !== 'exists') throw new Error(`the demo administrator is ${status}`)
  })
}
