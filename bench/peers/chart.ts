/** A chart of ratios: for each operation, what it takes beside the slowest, at 20 ms a trip. Plain SVG, readable on light and dark. */
import type { Contestant, Results, Row } from './row.ts'

const DELAY_MS = 20
const [WIDTH, LEFT, BAR, GAP] = [860, 190, 15, 14]
const SCALE = 480
const TOP = 56

const OPERATIONS = ['sign-up', 'sign-in', 'sign-in, equal hash', 'live check', 'refresh', 'sign-out']
const COLOURS: Record<Contestant, string> = {
  latchkey: '#2f6fdb',
  'better-auth': '#9a9a9a',
  'better-auth-argon2id': '#9a9a9a',
  'better-auth-tuned': '#c2b280',
  openauth: '#d08a5b',
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

export function drawChart({ rows }: Results, measuredOn: string): string {
  const of = (operation: string) => {
    const found = rows.filter((row) => row.delayMs === DELAY_MS && row.operation === operation)
    const ours = rows.find(
      (row) =>
        row.delayMs === DELAY_MS &&
        row.who === 'latchkey' &&
        row.operation === operation.replace(', equal hash', ''),
    )
    return found.some(({ who }) => who === 'latchkey') || !ours ? found : [ours, ...found]
  }
  let y = TOP
  const parts: string[] = []
  for (const operation of OPERATIONS) {
    const bars = of(operation)
    const most = Math.max(...bars.map(({ p50 }) => p50))
    parts.push(`<text x="${LEFT - 12}" y="${y + 12}" text-anchor="end" font-weight="600">${operation}</text>`)
    for (const bar of bars) {
      parts.push(drawBar(bar, most, y))
      y += BAR + 3
    }
    y += GAP
  }
  const height = y + 26
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img"
  aria-label="Median time of operations beside better-auth and openauth, ${DELAY_MS} ms a trip" font-family="system-ui, sans-serif" font-size="12" fill="#222">
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="24" font-size="15" font-weight="600">Median time beside others, ${DELAY_MS} ms a trip to each store (shorter is better)</text>
<text x="16" y="42" fill="#666">The number is ours over theirs, of one run in turns</text>
${parts.join('\n')}
<text x="16" y="${height - 10}" font-size="10" fill="#666">${escaped(measuredOn)}</text>
</svg>
`
}

function drawBar({ who, p50, oursOver }: Row, most: number, y: number): string {
  const width = Math.max(2, (p50 / most) * SCALE)
  const said = who === 'latchkey' ? 'Latchkey' : `${who}: ${oursOver.median.toFixed(2)}`
  return `<rect x="${LEFT}" y="${y}" width="${width.toFixed(0)}" height="${BAR}" rx="2" fill="${COLOURS[who]}"/><text x="${(LEFT + width + 6).toFixed(0)}" y="${y + 12}">${said}</text>`
}
