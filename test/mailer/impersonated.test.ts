/** An administrator acts as a person: the person is told, in their language, and no one else. */
import { expect, test } from 'vitest'
import { newOffice, type Office } from '../support/administration.ts'
import { nextMinute, useMailStage } from '../support/mail-stage.ts'

const stage = useMailStage()

const impersonate = ({ client, tokens }: Office, id: string) =>
  client.call('/v1/impersonations', {
    bearer: tokens.access_token,
    json: { user_id: id, reason: 'ticket 7' },
    headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' },
    cf: { country: 'NL' },
  })

async function newScene() {
  const { service } = stage()
  const office = await newOffice(service)
  await office.client.allowingImpersonation()
  const { email, tokens } = await office.client.signUp()
  await service.consume()
  stage().provider.reset()
  return { office, email, id: tokens.user.id }
}

test('administration 3: the person gets one mail, with nothing of the administrator, of their device, or of the reason', async () => {
  const { service, provider } = stage()
  const { office, email, id } = await newScene()
  expect((await impersonate(office, id)).status).toBe(201)
  await service.consume()
  await nextMinute(stage())
  expect(provider.sent().map(({ to }) => to)).toEqual([email])
  const [mail] = provider.sent(email)
  expect(mail?.subject).toContain(`An administrator viewed your account at ${office.client.tenant.name}`)
  for (const part of [mail?.text, mail?.html]) {
    expect(part).toContain('30 minutes')
    for (const theirs of ['ticket 7', office.tokens.user.email, 'Firefox', 'Linux', 'Netherlands'])
      expect(part).not.toContain(theirs)
  }
})

test('administration 3: also who has not proved the address, or was disabled since; in the language that they chose', async () => {
  const { service, provider } = stage()
  const { office, email, id } = await newScene()
  await service.sql(`update users set email_verified_at = null, locale = 'de' where id = $1`, [id])
  expect((await impersonate(office, id)).status).toBe(201)
  await service.sql(`update users set status = 'disabled' where id = $1`, [id])
  await service.consume()
  await nextMinute(stage())
  expect(provider.sent(email)).toHaveLength(1)
  expect(provider.sent(email)[0]?.subject).not.toContain('An administrator')
})

test('administration 3: no one is told of an attempt that was refused', async () => {
  const { service, provider } = stage()
  const { office, email, id } = await newScene()
  await service.sql(`update tenants set settings = settings - 'impersonation' where id = $1`, [
    office.client.tenant.id,
  ])
  expect((await impersonate(office, id)).status).toBe(403)
  await service.consume()
  await nextMinute(stage())
  expect(provider.sent(email)).toEqual([])
})
