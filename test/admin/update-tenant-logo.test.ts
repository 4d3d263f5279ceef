/** The logo that an administrator gives the tenant: small pixels that are what they claim to be, by the API and by the console. */
import { describe, expect, test } from 'vitest'
import { newOffice, type Office } from '../support/administration.ts'
import { createBrowser } from '../support/browser.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput } from '../support/expect.ts'
import { dataUrlOf, png } from '../support/planted-logo.ts'
import { useLentService } from '../support/service.ts'
import { createWalker } from '../support/walker.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const PICTURE = dataUrlOf(png())
const bytes = (text: string) => Buffer.from(text, 'latin1')
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>'

everyRoute(service, {
  method: 'PATCH',
  path: '/v1/admin/tenant/logo',
  allow: 'PATCH',
  caller: 'admin',
  json: { logo: PICTURE },
  optional: ['reason'],
})

const change = ({ client, tokens }: Office, json: unknown) =>
  client.call('/v1/admin/tenant/logo', { method: 'PATCH', bearer: tokens.access_token, json })

async function storedOf({ client }: Pick<Office, 'client'>) {
  const [row] = await service().sql<{ logo: string | null; version: string | null }>(
    `select logo, settings ->> 'logo' as version from tenants where id = $1`,
    [client.tenant.id],
  )
  return row
}

/** An administrator in a browser, who posts the form of the console with a file in it. */
async function newUploader() {
  const office = await newOffice(service())
  const { client, tokens } = office
  const walker = createWalker(service(), client.tenant)
  walker.cookies.set('__Host-latchkey', tokens.refresh_token)
  const { ask } = createBrowser(service(), client.tenant)
  const upload = async (
    file: { bytes: Uint8Array; type: string; name?: string } | null,
    more: [string, string][] = [],
  ) => {
    const page = await walker.open('/console/logo')
    const parts = new FormData()
    parts.set('form_token', page.form?.fields.form_token ?? '')
    const { bytes: content = new Uint8Array(), type = 'application/octet-stream', name = '' } = file ?? {}
    parts.set('logo', new File([Uint8Array.from(content)], name || (file ? 'logo.png' : ''), { type }))
    for (const [field, value] of more) parts.append(field, value)
    const sent = new Request('http://x.test', { method: 'POST', body: parts })
    return ask('/console/logo', {
      method: 'POST',
      headers: {
        'content-type': sent.headers.get('content-type') ?? '',
        cookie: [...walker.cookies].map(([key, value]) => `${key}=${value}`).join('; '),
        origin: 'null',
        'sec-fetch-site': 'same-origin',
        'accept-language': 'en',
      },
      body: new Uint8Array(await sent.arrayBuffer()),
    })
  }
  return { ...office, ...walker, upload }
}

describe('accepts', () => {
  test.each([
    ['PNG', PICTURE],
    ['JPEG', dataUrlOf(bytes('\xff\xd8\xff\xe0\0\x10JFIF'), 'image/jpeg')],
    ['WebP', dataUrlOf(bytes('RIFF\x24\0\0\0WEBPVP8 '), 'image/webp')],
    ['GIF', dataUrlOf(bytes('GIF89a\x01\0\x01\0'), 'image/gif')],
  ])(
    'pages 23: a %s, which the pages show in place of the name and the answer names by its version',
    async (_, logo) => {
      const office = await newOffice(service())
      const answer = await change(office, { logo, reason: 'a new look' })
      expect(answer).toMatchObject({ status: 200, trips: { postgres: 1, redis: 1 } })
      const stored = await storedOf(office)
      expect(stored).toEqual({ logo, version: expect.stringMatching(/^[\w-]{43}$/) })
      expect(answer.body).toMatchObject({
        settings: { logo: { value: stored?.version, default: null, changeable: false } },
      })
      expect(JSON.stringify(answer.body)).not.toContain('base64')
      const [event] = await service().sql(
        `select actor, data from events where tenant_id = $1 and type = 'tenant.updated'`,
        [office.client.tenant.id],
      )
      expect(event).toEqual({
        actor: office.tokens.user.id,
        data: { fields: ['logo'], reason: 'a new look' },
      })
      const { elements, headers } = await createWalker(service(), office.client.tenant).open('/sign-in')
      const shown = elements.filter(({ tag }) => tag === 'img').map(({ attributes }) => attributes)
      expect(shown).toEqual([
        { class: 'logo', src: `/logo/${stored?.version}`, alt: office.client.tenant.name },
      ])
      expect(headers.get('content-security-policy')).toContain("; img-src 'self';")
    },
  )

  test('pages 23: null takes it away, and other changes of the tenant leave it', async () => {
    const office = await newOffice(service())
    await change(office, { logo: PICTURE })
    const before = await storedOf(office)
    const json = { name: 'Acme', settings: { colour: '#123456' } }
    await office.client.call('/v1/admin/tenant', {
      method: 'PATCH',
      bearer: office.tokens.access_token,
      json,
    })
    expect(await storedOf(office)).toEqual(before)
    expect((await change(office, { logo: null })).body).toMatchObject({ settings: { logo: { value: null } } })
    expect(await storedOf(office)).toEqual({ logo: null, version: null })
    const { html, headers } = await createWalker(service(), office.client.tenant).open('/sign-in')
    expect(html).not.toContain('<img')
    expect(headers.get('content-security-policy')).not.toContain('img-src')
  })

  test('pages 23: one of 32 KiB, and a reason besides', async () => {
    const office = await newOffice(service())
    const padded = Buffer.concat([png(), Buffer.alloc(24_558)]).subarray(0, 24_558)
    const logo = dataUrlOf(padded)
    expect(logo).toHaveLength(32_766)
    expect((await change(office, { logo, reason: 'x'.repeat(200) })).status).toBe(200)
    expect((await storedOf(office))?.logo).toBe(logo)
  })
})

describe('refuses', () => {
  test.each([
    ['what is missing', undefined, 'missing'],
    ['a number', 7, 'wrong_type'],
    ['nothing', '', 'not_an_image'],
    ['an SVG', dataUrlOf(bytes(SVG), 'image/svg+xml'), 'not_an_image'],
    ['an SVG that is called a PNG', dataUrlOf(bytes(SVG)), 'not_an_image'],
    ['a JPEG that is called a PNG', dataUrlOf(bytes('\xff\xd8\xff\xe0')), 'not_an_image'],
    ['a page that is called a GIF', dataUrlOf(bytes('<html>GIF89a'), 'image/gif'), 'not_an_image'],
    ['another RIFF file', dataUrlOf(bytes('RIFF\x24\0\0\0WAVEfmt '), 'image/webp'), 'not_an_image'],
    ['a page', dataUrlOf(png(), 'text/html'), 'not_an_image'],
    ['a member of every object', dataUrlOf(png(), 'constructor'), 'not_an_image'],
    ['an address', 'https://example.com/logo.png', 'not_an_image'],
    ['a script', 'javascript:alert(1)', 'not_an_image'],
    ['a parameter', PICTURE.replace(';', ';charset=utf-8;'), 'not_an_image'],
    ['another alphabet', `${PICTURE.slice(0, 40)}-_-_`, 'not_an_image'],
    ['something behind it', `${PICTURE}\n`, 'not_an_image'],
    ['no base64', 'data:image/png,%89PNG', 'not_an_image'],
    ['more than 32 KiB', dataUrlOf(Buffer.concat([png(), Buffer.alloc(24_600)])), 'too_large'],
  ])('pages 23: %s', async (_, logo, code) => {
    const office = await newOffice(service())
    expectInvalidInput(await change(office, { logo }), { '/logo': code })
    expect(await storedOf(office)).toEqual({ logo: null, version: null })
  })

  test('its version among the settings', async () => {
    const office = await newOffice(service())
    const json = { settings: { logo: 'A'.repeat(43) } }
    const answer = await office.client.call('/v1/admin/tenant', {
      method: 'PATCH',
      bearer: office.tokens.access_token,
      json,
    })
    expectInvalidInput(answer, { '/settings/logo': 'unknown_field' })
  })
})

describe('attacks', () => {
  test('pages 23: of a role that may change the tenant, but is not admin: refused', async () => {
    const office = await newOffice(service())
    const { tokens } = await office.client.newAccount()
    await service().sql(
      `update tenants set settings = settings || '{"roles": {"manager": ["latchkey:tenant:write"]}}' where id = $1`,
      [office.client.tenant.id],
    )
    await service().sql(`update users set roles = '{manager}' where id = $1`, [tokens.user.id])
    expect((await change({ ...office, tokens }, { logo: PICTURE })).status).toBe(403)
    expect(await storedOf(office)).toEqual({ logo: null, version: null })
  })
})

describe('by the console', () => {
  test('pages 23: a file is uploaded, shown, and taken away, without a script', async () => {
    const uploader = await newUploader()
    const { upload, open, submit, follow } = uploader
    const done = await follow(await upload({ bytes: png(), type: 'image/png' }, [['reason', 'a new look']]))
    expect(done.text).toContain('The logo is changed.')
    const stored = await storedOf(uploader)
    expect(stored?.logo).toBe(PICTURE)
    const page = await open('/console/logo')
    expect(page.elements.filter(({ tag }) => tag === 'img')).toHaveLength(2) // of the header, and of the form
    const remove = page.elements.filter(
      ({ tag, attributes }) => tag === 'input' && attributes.name === 'remove',
    )
    expect(remove).toHaveLength(1)
    const removed = await follow(await submit(page, { remove: 'on' }, '/console/logo'))
    expect(removed.text).toContain('The logo is changed.')
    expect(await storedOf(uploader)).toEqual({ logo: null, version: null })
  })

  test.each([
    ['no file', null, [], 422, 'Fill in this field.'],
    ['an SVG', { bytes: bytes(SVG), type: 'image/svg+xml' }, [], 422, 'An SVG is not taken'],
    ['an SVG that is called a PNG', { bytes: bytes(SVG), type: 'image/png' }, [], 422, 'This is no PNG'],
    [
      'more than 24 KB',
      { bytes: Buffer.concat([png(), Buffer.alloc(24_600)]), type: 'image/png' },
      [],
      422,
      'too large',
    ],
    ['more than any form may have', { bytes: Buffer.alloc(60_000), type: 'image/png' }, [], 413, 'too large'],
  ] as const)('pages 23: %s is refused beside the field', async (_, file, more, status, words) => {
    const uploader = await newUploader()
    const refused = await uploader.upload(file, [...more])
    expect(refused.status).toBe(status)
    const field = refused.elements.find(({ attributes }) => attributes.id === 'logo')
    expect(field?.attributes['aria-invalid']).toBe('true')
    expect(refused.text).toContain(words)
    expect(await storedOf(uploader)).toEqual({ logo: null, version: null })
  })

  test.each([
    ['a field twice', ['reason', 'a'], ['reason', 'b'], 422],
    ['an unknown field', ['role', 'admin'], ['reason', 'b'], 422],
    ['a text that is not UTF-8', ['reason', '\ufffd'], ['remove', 'on'], 400],
  ] as const)('pages 23: %s is refused, and nothing is changed', async (_, one, other, status) => {
    const uploader = await newUploader()
    const refused = await uploader.upload({ bytes: png(), type: 'image/png' }, [[...one], [...other]])
    expect(refused.status).toBe(status)
    expect(await storedOf(uploader)).toEqual({ logo: null, version: null })
  })

  test('pages 23: parts without a token of the page, or of another site, do nothing', async () => {
    const uploader = await newUploader()
    await uploader.open('/console/logo')
    const { status } = await uploader.post('/console/logo', { form_token: 'x', logo: PICTURE })
    expect(status).toBe(403)
    const { ask } = createBrowser(service(), uploader.client.tenant)
    const cookie = `__Host-latchkey=${uploader.tokens.refresh_token}`
    const foreign = await ask('/console/logo', {
      method: 'POST',
      headers: {
        'content-type': 'multipart/form-data; boundary=x',
        cookie,
        origin: 'https://evil.test',
        'sec-fetch-site': 'cross-site',
      },
      body: `--x\r\ncontent-disposition: form-data; name="logo"\r\n\r\n${PICTURE}\r\n--x--\r\n`,
    })
    expect(foreign.status).toBe(403)
    expect(await storedOf(uploader)).toEqual({ logo: null, version: null })
  })
})
