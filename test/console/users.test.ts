/** Finding people in the console, opening one, and what is done with their account. */
import { describe, expect, test, vi } from 'vitest'
import { eventsAbout } from '../support/administration.ts'
import { codeAt } from '../support/authenticator.ts'
import { newClient, PASSWORD, type Tokens } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'
import { createWalker } from '../support/walker.ts'

const stage = useStage()
const service = () => stage().service

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36'

/** An administrator in their browser. */
async function newDesk(language = 'en') {
  const client = await newClient(service())
  const { email, tokens } = await client.newAdmin()
  return { client, email, tokens, ...walkerOf(client.tenant, tokens, language) }
}

function walkerOf(tenant: Parameters<typeof createWalker>[1], tokens: Tokens, language = 'en') {
  const walker = createWalker(service(), tenant, language)
  walker.cookies.set('__Host-latchkey', tokens.refresh_token)
  return walker
}

const planting = (email: string) => ({ email: `${email}@planted.example.com` })

describe('finding', () => {
  test('console 2: by the beginning of an address, the status, a role and the external id', async () => {
    const { client, open } = await newDesk()
    await client.plantedAccount({ ...planting('grace'), roles: ['editor'] })
    await client.plantedAccount({ ...planting('greta'), status: 'disabled' })
    const { id } = await client.plantedAccount(planting('ada'))
    await service().sql(`update users set external_id = 'crm-7' where id = $1`, [id])
    for (const [query, found] of [
      ['email_prefix=gr', ['grace', 'greta']],
      ['email_prefix=GRA&status=&role=', ['grace']],
      ['status=disabled', ['greta']],
      ['role=editor', ['grace']],
      ['external_id=crm-7', ['ada']],
      ['email_prefix=gr&status=closed', []],
    ] as const) {
      const page = await open(`/console/users?${query}`)
      expect(page.status, query).toBe(200)
      for (const name of ['grace', 'greta', 'ada'])
        expect({ query, name, isThere: page.text.includes(`${name}@planted`) }).toEqual({
          query,
          name,
          isThere: (found as readonly string[]).includes(name),
        })
      if (found.length === 0) expect(page.text).toContain('No account is like that.')
    }
    const opened = await open(`/console/users?id=${id}`)
    expect(opened.heading).toContain('ada@planted.example.com')
  })

  test('console 2: in pages, each account once, the filters kept', async () => {
    const { client, open } = await newDesk()
    for (let index = 0; index < 45; index++) await client.plantedAccount(planting(`page-${index}`))
    const seen: string[] = []
    let path = '/console/users?email_prefix=page-'
    for (let pages = 0; pages < 4 && path !== ''; pages++) {
      const { elements, text } = await open(path)
      seen.push(...(text.match(/page-\d+@planted/g) ?? []))
      path = elements.find(({ attributes }) => attributes.rel === 'next')?.attributes.href ?? ''
    }
    expect(path).toBe('')
    expect(seen).toHaveLength(45)
    expect(new Set(seen).size).toBe(45)
  })

  test('console 2: what is no filter is refused beside its field, and finds no one', async () => {
    const { client, open } = await newDesk()
    await client.plantedAccount(planting('grace'))
    const page = await open('/console/users?email_prefix=%3Cb%3E')
    expect(page.status).toBe(422)
    expect(page.text).not.toContain('grace@')
    const field = page.elements.find(({ attributes }) => attributes.id === 'email_prefix')
    expect(field?.attributes).toMatchObject({ value: '<b>', 'aria-invalid': 'true', autofocus: '' })
    for (const query of ['cursor=x', 'cursor=', 'status=gone', `role=${'x'.repeat(65)}`])
      expect([200, 422], query).toContain((await open(`/console/users?${query}`)).status)
  })
})

describe('one person', () => {
  test('console 2: profile, roles, sessions, factors, and what happened lately with its reason', async () => {
    const { client, open, tokens } = await newDesk()
    const { email, tokens: own } = await client.newAccount()
    await client.call('/v1/login', { json: { email, password: PASSWORD }, headers: { 'user-agent': CHROME } })
    await client.withFactor(own)
    const { id: passkey } = await client.plantedPasskey(own)
    await service().sql(`update passkeys set name = 'Laptop' where id = $1`, [passkey])
    await client.plantedSocial.identity(own)
    const ended = await client.call(`/v1/admin/users/${own.user.id}/end-sessions`, {
      json: { reason: 'ticket 7' },
      bearer: tokens.access_token,
    })
    expect(ended.status).toBe(204)
    await client.login(email).catch(() => undefined)
    await vi.waitFor(async () => {
      await stage().settle()
      const page = await open(`/console/users/${own.user.id}`)
      expect(page.text).toContain('user.signed_out')
    }, 20_000)
    const page = await open(`/console/users/${own.user.id}`)
    expect(page.heading).toContain(email)
    for (const part of [
      'Authenticator app',
      'Passkey: Laptop',
      'Linked account',
      'Reason: ticket 7',
      own.user.id,
    ])
      expect(page.text).toContain(part)
    expect(page.text).toContain(`by ${tokens.user.id}`)
  })

  test('console 2: hostile names, devices and reasons come out as text, and lead nowhere', async () => {
    const { client, open, tokens } = await newDesk()
    const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`
    const { tokens: own } = await client.newAccount()
    await service().sql('update users set name = $2 where id = $1', [own.user.id, hostile])
    await service().sql(
      `update sessions set user_agent = $2, device_label = $2, city = $2 where user_id = $1`,
      [own.user.id, hostile],
    )
    await service().sql('update tenants set name = $2 where id = $1', [client.tenant.id, hostile])
    const { id: passkey } = await client.plantedPasskey(own)
    await service().sql('update passkeys set name = $2 where id = $1', [passkey, hostile])
    await client.plantedSocial.identity(own)
    await service().sql('update identities set provider = $2 where user_id = $1', [own.user.id, hostile])
    const disabled = await client.call(`/v1/admin/users/${own.user.id}/disable`, {
      json: { reason: hostile },
      bearer: tokens.access_token,
    })
    expect(disabled.status).toBe(204)
    await service().sql(`update users set status = 'active', access_valid_from = null where id = $1`, [
      own.user.id,
    ])
    await service().sql('update sessions set revoked_at = null where user_id = $1', [own.user.id])
    await vi.waitFor(async () => {
      await stage().settle()
      expect((await open(`/console/users/${own.user.id}`)).text).toContain('user.disabled')
    }, 20_000)
    for (const path of ['', '/disable', '/roles', '/verify-email']) {
      const { elements, html, text } = await open(`/console/users/${own.user.id}${path}`)
      const scripts = elements.filter(({ tag }) => tag === 'script')
      expect(scripts).toHaveLength(1)
      expect(elements.filter(({ tag }) => /^(img|iframe|object|link|base)$/.test(tag))).toEqual([])
      for (const { attributes } of elements)
        for (const [name, value] of Object.entries(attributes)) {
          expect(name).not.toMatch(/^on|^style$|^src/)
          if (name === 'href' || name === 'action') expect(value).toMatch(/^\/(?!\/)/)
        }
      expect(text.match(/<script>alert\(1\)<\/script>/g)?.length).toBeGreaterThan(0)
      expect(html).not.toContain('<img')
    }
  })
})

describe('what is done with an account', () => {
  const ACTIONS = [
    ['disable', {}, 'The account is disabled.', 'user.disabled'],
    ['enable', { status: 'disabled' }, 'The account is enabled.', 'user.enabled'],
    ['end-sessions', {}, 'All sessions have ended.', 'user.signed_out'],
    ['send-reset', {}, 'The link was sent.', 'password.reset_sent'],
    ['verify-email', { isProved: false }, 'The email address is confirmed.', 'email.verified'],
    ['close', {}, 'The account is closed.', 'user.deleted'],
    ['restore', { status: 'closed' }, 'The account is restored.', 'user.restored'],
  ] as const

  test.each(ACTIONS)('console 3: %s, with the reason, by who did it', async (verb, of, done, type) => {
    const { client, open, walk, tokens } = await newDesk()
    const { id, email } = await client.plantedAccount(of)
    const page = await open(`/console/users/${id}`)
    const links = page.elements.map(({ attributes }) => attributes.href)
    expect(links).toContain(`/console/users/${id}/${verb}`)
    const form = await open(`/console/users/${id}/${verb}`)
    expect(form.text).toContain(email)
    const after = await walk(form, { reason: 'ticket 7' }, `/console/users/${id}/${verb}`)
    expect(after.text).toContain(done)
    expect(await eventsAbout(service(), id)).toContainEqual(
      expect.objectContaining({
        type,
        actor: tokens.user.id,
        data: expect.objectContaining({ reason: 'ticket 7' }),
      }),
    )
  })

  test('console 3: roles are given and taken', async () => {
    const { client, open, walk } = await newDesk()
    const { id } = await client.plantedAccount({ roles: ['editor'] })
    const path = `/console/users/${id}/roles`
    const after = await walk(
      await open(path),
      { grant: 'writer  reader', revoke: 'editor', reason: '' },
      path,
    )
    expect(after.text).toContain('The roles are changed.')
    expect(await service().sql('select roles from users where id = $1', [id])).toEqual([
      { roles: ['writer', 'reader'] },
    ])
  })

  test('console 3: what the operation refuses comes back as the form, with what was typed', async () => {
    const { client, open, submit, tokens } = await newDesk()
    const path = (id: string, verb: string) => `/console/users/${id}/${verb}`
    const own = path(tokens.user.id, 'disable')
    const refused = await submit(await open(own), { reason: 'me' }, own)
    expect(refused).toMatchObject({ status: 409, alert: 'You cannot do this to your own account.' })
    const kept = refused.elements.find(({ attributes }) => attributes.id === 'reason')
    expect(kept?.attributes.value).toBe('me')
    const { id } = await client.plantedAccount()
    const long = await submit(await open(path(id, 'close')), { reason: 'x'.repeat(201) }, path(id, 'close'))
    expect(long.status).toBe(422)
    expect(long.text).toContain('This is too long.')
    const unproved = await client.plantedAccount({ isProved: false })
    const at = path(unproved.id, 'roles')
    expect((await submit(await open(at), { grant: 'editor' }, at)).status).toBe(409)
    expect((await submit(await open(at), { grant: 'a\u0000b' }, at)).status).toBe(422)
  })

  test('console 3: one who may do less does nothing to one who may do more', async () => {
    const { client, tokens: admin } = await newDesk()
    const { tokens } = await client.newAccount()
    await service().sql(
      `update tenants set settings = settings || '{"roles": {"support": ["latchkey:users:read", "latchkey:users:write"]}}' where id = $1`,
      [client.tenant.id],
    )
    await service().sql(`update users set roles = '{support}' where id = $1`, [tokens.user.id])
    const { open, submit } = walkerOf(client.tenant, tokens)
    const path = `/console/users/${admin.user.id}/disable`
    expect((await submit(await open(path), {}, path)).status).toBe(403)
    const list = await open('/console/users')
    expect(list.elements.filter(({ attributes }) => attributes.href?.endsWith('/roles'))).toEqual([])
  })

  test('console 3: who must show again that it is them comes back to where they were, filters and all', async () => {
    const { client, open, walk, tokens } = await newDesk()
    await client.plantedAccount(planting('grace'))
    await service().sql(`update sessions set auth_time = now() - interval '1 hour' where id = $1`, [
      tokens.session.id,
    ])
    const asked = await open('/console/users?email_prefix=gra&status=active')
    expect(asked.heading).toBe('Confirm that it is you')
    const back = await walk(asked, { password: PASSWORD }, '/step-up')
    expect(back.heading).toBe('Users')
    expect(back.text).toContain('grace@planted')
    expect(back.elements.find(({ attributes }) => attributes.id === 'email_prefix')?.attributes.value).toBe(
      'gra',
    )
  })

  test('console 3: who owes a second factor shows that one', async () => {
    const { client, open, submit, follow, tokens } = await newDesk()
    const { secret } = await client.withFactor(tokens)
    await service().sql(`update users set second_factor_since = now() - interval '1 day' where id = $1`, [
      tokens.user.id,
    ])
    const asked = await open('/console/users')
    expect(asked.heading).toBe('Confirm that it is you')
    const back = await submit(asked, { code: codeAt(secret) }, '/step-up/code')
    expect((await follow(back)).heading).toBe('Users')
  })
})

test('console 6: in German, too', async () => {
  const { client, open } = await newDesk('de')
  const { id } = await client.plantedAccount()
  expect((await open('/console/users')).heading).toBe('Konten')
  expect((await open(`/console/users/${id}/disable`)).heading).toBe('Konto sperren')
})
