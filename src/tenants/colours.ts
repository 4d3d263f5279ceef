/**
 * The tenant's colour on its pages and in its mails. Whatever it is, what is written on it and in it can be read (WCAG 2.2, 1.4.3 and 1.4.11): on it
 * in black or in white, and links in it as dark or as light as they must be.
 */
/** `#rrggbb`. */
export const COLOUR = /^#[0-9a-f]{6}$/

type Rgb = readonly [red: number, green: number, blue: number]

/** What is behind a text, in the light and in the dark: the grounds of pages/style.ts and mailer/html.tsx. */
export const GROUNDS = {
  light: ['#ffffff', '#f4f5f7', '#eef2fc'],
  dark: ['#171b21', '#0e1116', '#1d2533'],
} as const
export type Theme = keyof typeof GROUNDS

/** WCAG 2.2 AA, of texts; and of what shows where a control is. */
const TEXT_CONTRAST = 4.5
const EDGE_CONTRAST = 3
const EDGES = { light: '#6e7781', dark: '#8b949e' } as const
const BLACK = '#000000'
const WHITE = '#ffffff'

/** @param strong behind the text of a button, `stronger` where a pointer is over it, `edge` around it */
export type Palette = { strong: string; stronger: string; onStrong: string; edge: string; link: string }

/** @param colour `#rrggbb` */
export function paletteOf(colour: string, theme: Theme): Palette {
  const onStrong = contrastOf(colour, WHITE) >= contrastOf(colour, BLACK) ? WHITE : BLACK
  const [card] = GROUNDS[theme]
  return {
    strong: colour,
    // Away from its text, which is as easy to read then.
    stronger: mix(colour, onStrong === WHITE ? BLACK : WHITE, 0.15),
    onStrong,
    edge: contrastOf(colour, card) >= EDGE_CONTRAST ? colour : EDGES[theme],
    link: readable(colour, theme),
  }
}

/** As near to the colour as can be read on every ground of the theme. */
function readable(colour: string, theme: Theme): string {
  const towards = theme === 'light' ? BLACK : WHITE
  for (let part = 0; part < 1; part += 0.05) {
    const mixed = mix(colour, towards, part)
    if (GROUNDS[theme].every((ground) => contrastOf(mixed, ground) >= TEXT_CONTRAST)) return mixed
  }
  return towards
}

/** WCAG 2.2, "contrast ratio": from 1 to 21. */
export function contrastOf(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

/** WCAG 2.2, "relative luminance". */
function luminanceOf(colour: string): number {
  const [red, green, blue] = rgbOf(colour).map((value) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as unknown as Rgb // as many as there were
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

const rgbOf = (colour: string): Rgb => {
  const at = (start: number) => Number.parseInt(colour.slice(start, start + 2), 16)
  return [at(1), at(3), at(5)]
}

function mix(colour: string, other: string, part: number): string {
  const [from, to] = [rgbOf(colour), rgbOf(other)]
  const mixed = from.map((value, index) => Math.round(value + ((to[index] ?? 0) - value) * part))
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`
}
