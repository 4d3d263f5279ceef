import { describe, expect, test } from 'vitest'
import { SETTING_DEFAULTS } from '../../src/tenants/tenants.ts'
import { newOffice } from '../support/administration.ts'
import { everyRoute } from '../support/every-route.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'readTenant')

describe('accepts', () => {
  test('admin 5: every setting as it counts, its default beside it, and whose it is to change', async () => {
    const office = await newOffice(service(), { settings: { max_sessions: 7 } })
    const answer = await office.read('/v1/admin/tenant')
    expect(answer).toMatchObject({ status: 200, trips: { postgres: 1, redis: 1 } })
    const { id, slug, name, host, origin } = office.client.tenant
    expect(answer.body).toMatchObject({ id, slug, name, hosts: [host], issuer: origin })
    const { settings } = answer.body as { settings: Record<string, unknown> }
    expect(Object.keys(settings)).toEqual(Object.keys(SETTING_DEFAULTS))
    expect(settings.max_sessions).toEqual({ value: 7, default: 100, changeable: true })
    expect(settings.passkey_rp_id).toEqual({ value: null, default: null, changeable: false })
  })
})
