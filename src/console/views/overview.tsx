/** The overview: each picture with what it says in numbers. */
import type { View } from '../../pages/hosted.ts'
import { Card } from '../../pages/views/layout.tsx'
import type { Part } from '../../pages/views/part.ts'
import { type Desk, leadsTo } from '../desk.ts'
import { type Counted, type Picture, SPANS, type Span } from '../pictures.ts'
import { Bars, SHADES } from './bars.tsx'

export function overview(desk: Desk, { span, counted }: { span: Span; counted: Counted }): View {
  const { overview: words, sections } = desk.words
  return {
    heading: sections.overview,
    content: (
      <>
        <Card>
          <h1>{sections.overview}</h1>
          <nav aria-label={words.span}>
            <ul class="actions">
              {SPANS.map((one) => (
                <li>
                  <a
                    class="button second"
                    href={leadsTo(desk.screen.flow, '/console', { span: one })}
                    aria-current={one === span ? 'true' : undefined}
                  >
                    {words.spans[one]}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
        </Card>
        <div class="pictures">
          {counted.pictures.map((picture) => (
            <Shown desk={desk} picture={picture} counted={counted} />
          ))}
        </div>
      </>
    ),
  }
}

const Shown: Part<{ desk: Desk; picture: Picture; counted: Counted }> = ({ desk, picture, counted }) => {
  const { overview: words } = desk.words
  const title = words.pictures[picture.name]
  const total = picture.series.flatMap(({ counts }) => counts).reduce((sum, count) => sum + count, 0)
  const number = new Intl.NumberFormat(desk.screen.tag)
  const said = `${number.format(total)}${picture.isCut ? '+' : ''}`
  return (
    <section class="card" aria-labelledby={`of-${picture.name}`}>
      <h2 id={`of-${picture.name}`}>{title}</h2>
      <p class="number">{said}</p>
      {total === 0 ? null : (
        <>
          <Bars picture={picture} steps={counted.steps} title={words.pictureOf(title, said)} />
          <p class="ends">
            <span>{desk.moment(new Date(counted.from))}</span>
            <span>{words.now}</span>
          </p>
          <Legend picture={picture} number={number} />
          <Table desk={desk} picture={picture} counted={counted} number={number} />
        </>
      )}
      {picture.isCut ? <p class="faint">{words.cut}</p> : null}
    </section>
  )
}

/** Colours alone tell nothing: each has its name and its number. */
const Legend: Part<{ picture: Picture; number: Intl.NumberFormat }> = ({ picture: { series }, number }) => (
  <ul class="legend">
    {series.map(({ name, counts }, index) => (
      <li>
        <span class={`swatch shade${Math.min(index, SHADES - 1)}`} />
        <code>{name}</code> {number.format(counts.reduce((sum, count) => sum + count, 0))}
      </li>
    ))}
  </ul>
)

/** The same as the picture, for who does not see it. */
const Table: Part<{ desk: Desk; picture: Picture; counted: Counted; number: Intl.NumberFormat }> = ({
  desk,
  picture: { name, series },
  counted: { from, seconds, steps },
  number,
}) => {
  const { overview: words } = desk.words
  const label = `${words.table}: ${words.pictures[name]}`
  const at = (step: number) => new Date(Date.parse(from) + step * seconds * 1000)
  const rows = Array.from({ length: steps }, (_, step) => step).filter((step) =>
    series.some(({ counts }) => counts[step]),
  )
  return (
    <details>
      <summary aria-label={label}>{words.table}</summary>
      <section class="scrolls" tabindex={0} aria-label={label}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.since}</th>
              {series.map((one) => (
                <th scope="col">{one.name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((step) => (
              <tr>
                <th scope="row">{desk.moment(at(step))}</th>
                {series.map(({ counts }) => (
                  <td>{number.format(counts[step] ?? 0)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  )
}
