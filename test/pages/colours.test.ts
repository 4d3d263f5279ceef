/** A tenant's colour, whatever it is: what is written on it and in it can be read (WCAG 2.2 AA), on the pages as they are sent. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { STYLE } from '../../src/pages/style.ts'
import { contrastOf, GROUNDS, paletteOf } from '../../src/tenants/colours.ts'
import { newClient } from '../support/client.ts'
import { useLentService } from '../support/service.ts'
import { createWalker } from '../support/walker.ts'

const service = useLentService()

/** Yellow, nearly black, black, white, a grey in the middle, and colours of products. */
const COLOURS = [
  '#ffeb00',
  '#0b0c0d',
  '#000000',
  '#ffffff',
  '#767676',
  '#777777',
  '#1a4fd0',
  '#e2001a',
  '#00b67a',
]
const THEMES = ['light', 'dark'] as const

const faultsOf = (colour: string): string[] =>
  THEMES.flatMap((theme) => {
    const { strong, stronger, onStrong, edge, link } = paletteOf(colour, theme)
    const pairs: [string, string, string, number][] = [
      ['a button', onStrong, strong, 4.5],
      ['a button under the pointer', onStrong, stronger, 4.5],
      ['the edge of a button', edge, GROUNDS[theme][0], 3],
      ...GROUNDS[theme].map((ground): [string, string, string, number] => ['a link', link, ground, 4.5]),
    ]
    return pairs.flatMap(([what, one, other, least]) => {
      const contrast = contrastOf(one, other)
      return contrast >= least ? [] : [`${theme}, ${what}: ${one} on ${other} is ${contrast.toFixed(2)}`]
    })
  })

test('pages 20: black on white is 21, and the grey that WCAG calls just enough is 4.54', () => {
  expect(contrastOf('#000000', '#ffffff')).toBeCloseTo(21, 5)
  expect(contrastOf('#767676', '#ffffff')).toBeCloseTo(4.54, 2)
  expect(contrastOf('#777777', '#ffffff')).toBeLessThan(4.5)
})

test.each(COLOURS)(
  'pages 20: %s: every text and edge has the contrast that it needs, in the light and in the dark',
  (colour) => {
    expect(faultsOf(colour)).toEqual([])
  },
)

test('pages 20: so has any colour at all', () => {
  const byte = fc.integer({ min: 0, max: 255 }).map((value) => value.toString(16).padStart(2, '0'))
  const colours = fc.tuple(byte, byte, byte).map((parts) => `#${parts.join('')}`)
  fc.assert(
    fc.property(colours, (colour) => faultsOf(colour).length === 0),
    { numRuns: 5000 },
  )
})

test('pages 20: the grounds are those of the style, and so are its own texts: enough on each', () => {
  const themes = STYLE.split('prefers-color-scheme: dark')
  const variable = (style: string, name: string) => {
    const found = new RegExp(`--${name}: (#[0-9a-f]{3,6})`).exec(style)?.[1] ?? ''
    return found.length === 4 ? found.replace(/[0-9a-f]/g, '$&$&') : found
  }
  for (const [index, theme] of THEMES.entries()) {
    const style = themes[index] ?? ''
    expect(['card', 'back', 'tint'].map((name) => variable(style, name))).toEqual(GROUNDS[theme])
    for (const text of ['text', 'faint', 'link'])
      for (const ground of GROUNDS[theme])
        expect(contrastOf(variable(style, text), ground), `${theme}, ${text}`).toBeGreaterThanOrEqual(4.5)
    expect(contrastOf(variable(style, 'on-strong'), variable(style, 'strong'))).toBeGreaterThanOrEqual(4.5)
  }
})

test('pages 20: the pages of the tenant have it, allowed by its hash; those of another have not', async () => {
  const client = await newClient(service(), { settings: { colour: '#ffeb00' } })
  const { open } = createWalker(service(), client.tenant)
  for (const path of ['/sign-in', '/link/forgot-password', '/link/reset-password?token=none']) {
    const { html, headers } = await open(path)
    const styles = [...html.matchAll(/<style>(.*?)<\/style>/gs)].map(([, style = '']) => style)
    expect(styles).toHaveLength(path.includes('token') ? 1 : 2) // of a token that can be none, no one asks whose
    if (styles[1]) expect(styles[1]).toContain('--strong: #ffeb00; --stronger: #ffee26; --on-strong: #000000')
    const hashes = styles.map((style) => `'sha256-${createHash('sha256').update(style).digest('base64')}'`)
    expect(headers.get('content-security-policy')).toContain(`style-src ${hashes.join(' ')};`)
  }
  const other = createWalker(service(), (await newClient(service())).tenant)
  expect((await other.open('/sign-in')).html).not.toContain('#ffeb00')
})

test.each(['red', '#FFF000', '#fff', '#ffeb00}', "#ffeb00'", 'url(x)', '#ffeb00;}</style>', ''])(
  'pages 20: %j is no colour: refused where it is written, and in a row it is as if it were not there',
  async (colour) => {
    const client = await newClient(service())
    const { tokens } = await client.newAdmin()
    const answer = await client.call('/v1/admin/tenant', {
      method: 'PATCH',
      bearer: tokens.access_token,
      json: { settings: { colour } },
    })
    expect(answer.status).toBe(422)
    await service().sql(
      `update tenants set settings = settings || jsonb_build_object('colour', $2::text) where id = $1`,
      [client.tenant.id, colour],
    )
    const { status, html } = await createWalker(service(), client.tenant).open('/sign-in')
    expect(status).toBe(200)
    expect(html.match(/<style>/g)).toHaveLength(1)
  },
)
