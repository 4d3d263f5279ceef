/** Fills a fresh local database with what a deployment's operator would: a tenant for this address and a signing key. */
import { sql } from 'drizzle-orm'
import type { OperatorContext } from '../ops/context.ts'
import { rotateSigningKeys } from '../src/keys/rotation.ts'

const TENANT = { id: '00000000-0000-7000-8000-000000000001', slug: 'default', name: 'Default' }

/** Can be run again: on another port the same tenant moves to the new address. */
export async function seed(ctx: OperatorContext, port: number): Promise<void> {
  const { db } = ctx
  const issuer = `http://localhost:${port}`
  const { id, slug, name } = TENANT
  await db.batch([
    db.execute(sql`
      insert into tenants (id, slug, name, issuer) values (${id}, ${slug}, ${name}, ${issuer})
      on conflict (id) do update set issuer = excluded.issuer`),
    db.execute(sql`
      insert into tenant_hosts (host, tenant_id) values (${`localhost:${port}`}, ${id}), (${`127.0.0.1:${port}`}, ${id})
      on conflict (host) do nothing`),
  ])
  const { rows } = await db.execute(sql`select 1 from signing_keys where state = 'current'`)
  if (rows.length === 0) await rotateSigningKeys(ctx, { algorithm: 'EdDSA' })
}
