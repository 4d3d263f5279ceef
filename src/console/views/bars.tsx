/** A picture of bars, one on the other for each interval, as SVG without a script, a style of its own or anything from elsewhere. */
import type { Part } from '../../pages/views/part.ts'
import type { Picture } from '../pictures.ts'

const WIDTH = 560
const HEIGHT = 140
const GAP = 3
/** The stylesheet has as many colours; all further series share the last. */
export const SHADES = 5

export const Bars: Part<{ picture: Picture; steps: number; title: string }> = ({
  picture: { name, series },
  steps,
  title,
}) => {
  const tallest = Math.max(1, ...Array.from({ length: steps }, (_, step) => heightAt(series, step)))
  const width = WIDTH / steps
  const unit = HEIGHT / tallest
  return (
    <svg class="bars" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby={`title-${name}`}>
      <title id={`title-${name}`}>{title}</title>
      {series.flatMap(({ counts }, index) =>
        counts.map((count, step) => {
          if (count === 0) return null
          const below = heightAt(series.slice(0, index), step)
          // What happened once is seen, too.
          const height = Math.max(count * unit, 1.5)
          return (
            <rect
              class={`shade${Math.min(index, SHADES - 1)}`}
              x={round(step * width + GAP / 2)}
              y={round(Math.max(0, HEIGHT - (below + count) * unit))}
              width={round(width - GAP)}
              height={round(height)}
            />
          )
        }),
      )}
    </svg>
  )
}

const heightAt = (series: Picture['series'], step: number) =>
  series.reduce((sum, { counts }) => sum + (counts[step] ?? 0), 0)

const round = (value: number) => Math.round(value * 10) / 10
