/** `tenants.settings`: checked when they are written, and one that is wrong all the same never takes its tenant down. */
import { sql } from 'drizzle-orm'
import { afterEach, describe, expect, test } from 'vitest'
import { SETTING_BOUNDS, SETTING_CHOICES } from '../../src/storage/setting-bounds.ts'
import { settingOf } from '../../src/tenants/store.ts'
import { requireTenantSettings } from '../../src/tenants/tenants.ts'
import { claimsOf } from '../support/claims.ts'
import { newClient } from '../support/client.ts'
import { runHourly } from '../support/hourly.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const set = (tenantId: string, settings: unknown) =>
  service().sql('update tenants set settings = $2 where id = $1', [tenantId, JSON.stringify(settings)])

const NUMBERS = Object.entries(SETTING_BOUNDS)

describe('house 7: what is written', () => {
  test.each(NUMBERS)(
    '%s is a whole number within its bounds, by the one check and by the table',
    async (name, { least, most }) => {
      const { id } = await service().newTenant()
      for (const value of [least, most]) {
        await set(id, { [name]: value })
        expect(requireTenantSettings({ [name]: value })).toEqual({ [name]: value })
      }
      for (const value of [least - 1, most + 1, least + 0.5, String(least), null, [least], {}]) {
        await expect(set(id, { [name]: value }), JSON.stringify(value)).rejects.toThrow('tenants_settings')
        expect(() => requireTenantSettings({ [name]: value })).toThrow(name)
      }
    },
  )

  test.each(Object.entries(SETTING_CHOICES))('%s is one of its choices, by both', async (name, choices) => {
    const { id } = await service().newTenant()
    for (const value of choices) {
      await set(id, { [name]: value })
      expect(requireTenantSettings({ [name]: value })).toEqual({ [name]: value })
    }
    for (const value of ['Required', 'open', '', 1, null, [choices[0]]]) {
      await expect(set(id, { [name]: value }), JSON.stringify(value)).rejects.toThrow('tenants_settings')
      expect(() => requireTenantSettings({ [name]: value })).toThrow(name)
    }
  })

  test('is an object', async () => {
    const { id } = await service().newTenant()
    for (const settings of [[], 'text', 1, null]) {
      await expect(set(id, settings)).rejects.toThrow('tenants_settings')
      expect(() => requireTenantSettings(settings)).toThrow('settings')
    }
  })

  test('a name that is no setting, or a text that is none of its choices, is refused by the one check and named', () => {
    expect(() => requireTenantSettings({ sesion_idle_seconds: 600 })).toThrow('sesion_idle_seconds')
    expect(() => requireTenantSettings({ audience: '', registration: 'open' })).toThrow(
      'audience, registration',
    )
  })
})

describe('house 7: a setting that is wrong in the table', () => {
  /** As a tenant may have them from before the constraint. */
  async function plant(tenantId: string, settings: unknown): Promise<void> {
    await service().sql('alter table tenants drop constraint if exists tenants_settings')
    await set(tenantId, settings)
  }

  afterEach(async () => {
    await service().sql(`update tenants set settings = '{}' where jsonb_typeof(settings) <> 'object'
      or settings ? 'access_token_seconds' or settings ? 'erasure_days'`)
  })

  const loggedBy = (tenant: string) =>
    service()
      .logs()
      .flatMap((line) =>
        line.includes('invalid tenant setting') && line.includes(tenant) ? [JSON.parse(line)] : [],
      )

  test.each([
    ['a number out of bounds', 1],
    ['a text', 'soon'],
    ['a fraction', 100.5],
    ['null', null],
  ])('is the default, and an error line names tenant and setting: %s', async (_, access_token_seconds) => {
    const client = await newClient(service())
    const { email } = await client.signUpAdmin()
    const { id, slug } = client.tenant
    await plant(id, { registration: 'sign-in-at-once', access_token_seconds, max_sessions: 7 })
    const { status, body } = await client.login(email)
    expect(status).toBe(200)
    const { exp, iat } = claimsOf(body.access_token)
    expect(exp - iat).toBeGreaterThan(600 * 0.94)
    expect(exp - iat).toBeLessThanOrEqual(600)
    // The ones beside it are as they were set, and statements read it as the code does.
    expect((await client.refresh(body.refresh_token)).status).toBe(200)
    expect(loggedBy(slug)[0]).toMatchObject({
      level: 'error',
      tenant: slug,
      tenant_id: id,
      setting: 'access_token_seconds',
    })
    expect(loggedBy(slug).map(({ setting }) => setting)).not.toContain('max_sessions')
  })

  test('all settings are the defaults where they are no object', async () => {
    const client = await newClient(service())
    const { email } = await client.signUpAdmin()
    await service().sql('update users set email_verified_at = now() where tenant_id = $1', [client.tenant.id])
    await plant(client.tenant.id, [])
    expect((await client.login(email)).status).toBe(200)
    expect(loggedBy(client.tenant.slug).map(({ setting }) => setting)).toContain('settings')
  })

  test.each(NUMBERS)('%s is read by a statement as the default', async (name, { fallback, least }) => {
    const { id } = await service().newTenant()
    const read = async () => {
      const { rows } = await service().operator.db.execute(
        sql`select ${settingOf(name as keyof typeof SETTING_BOUNDS)} as value from tenants where id = ${id}`,
      )
      return rows[0]?.value
    }
    for (const value of [least - 1, 'soon', 0.5, null, {}, 1e300]) {
      await plant(id, { [name]: value })
      expect(await read(), JSON.stringify(value)).toBe(fallback)
    }
    await set(id, { [name]: least })
    expect(await read()).toBe(least)
  })

  test("does not keep other tenants' closed accounts from being erased", async () => {
    const { id: wrong } = await service().newTenant()
    await plant(wrong, { erasure_days: 'soon' })
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    await client.call('/v1/me', { method: 'DELETE', bearer: tokens.access_token })
    await service().sql(`update users set deleted_at = now() - interval '31 days' where id = $1`, [
      tokens.user.id,
    ])
    await runHourly(service())
    expect(
      await service().sql('select erased_at is not null as erased from users where id = $1', [
        tokens.user.id,
      ]),
    ).toEqual([{ erased: true }])
  })
})
