/**
 * The HTML part, in the look of the pages. hono/jsx escapes every text and attribute; nothing here is raw, and what can be pressed is
 * the letter's one link, where it has one, and the tenant's own origin. Nothing is fetched: no picture, no font, no logo.
 * What is needed is said inline, because some programs drop every style sheet; the sheet has what only it can say: the dark.
 * Loaded when a mail is rendered and not before, because Node, which reads the route table from our code, knows no JSX.
 */
import { type Palette, paletteOf } from '../tenants/colours.ts'
import type { Letter } from './letter.ts'

/** The colour of who has chosen none: that of the pages. */
const COLOUR = '#1a4fd0'

const BODY =
  'margin:0;padding:24px 16px;background:#f4f5f7;color:#1b1f24;font:16px/1.5 sans-serif;overflow-wrap:anywhere'
const COLUMN = 'max-width:560px;margin:0 auto'
const TENANT = 'margin:0 0 16px;font-size:17px;font-weight:bold'
const CARD = 'padding:24px;background:#ffffff;border:1px solid #d5d9de;border-radius:14px'
const HEADING = 'margin:0 0 16px;font-size:22px;line-height:1.25'
const PARAGRAPH = 'margin:0 0 16px'
const CODE = 'margin:0 0 24px;font:bold 28px/1.5 monospace;letter-spacing:4px'
const AS_TEXT = 'margin:0 0 24px;color:#57606a;font-size:13px;word-break:break-all'
const LABEL =
  'padding:0 16px 4px 0;color:#57606a;text-align:left;font-weight:normal;vertical-align:top;overflow-wrap:normal'
const VALUE = 'padding:0 0 4px;vertical-align:top'
const FOOT = 'margin:16px 0 0;color:#57606a;font-size:13px'

const buttonOf = ({ strong, onStrong, edge }: Palette) =>
  `display:inline-block;padding:12px 20px;background:${strong};color:${onStrong};border:1px solid ${edge};border-radius:9px;font-weight:bold;text-decoration:none`

/** Of programs that show mails in the dark (Apple Mail, Thunderbird, others): no quotes or brackets, which would be escaped. */
const darkOf = ({ link, edge }: Palette) =>
  '@media (prefers-color-scheme: dark) { ' +
  '.body { background: #0e1116 !important; color: #eceff3 !important } ' +
  '.card { background: #171b21 !important; border-color: #343b44 !important } ' +
  '.faint { color: #a8b0ba !important } ' +
  `.button { border-color: ${edge} !important } .link { color: ${link} !important } }`

export function renderHtml(letter: Letter): string {
  const { language, subject, tenant, paragraphs, facts, reason, howToStop, origin } = letter
  const colour = letter.colour ?? COLOUR
  const light = paletteOf(colour, 'light')
  const page = (
    <html lang={language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        {/* Some programs make links of what looks like a number, a date or an address. */}
        <meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no" />
        <title>{subject}</title>
        <style>{darkOf(paletteOf(colour, 'dark'))}</style>
      </head>
      <body style={BODY} class="body">
        <div style={COLUMN}>
          <header>
            <p style={TENANT}>{tenant}</p>
          </header>
          <main style={CARD} class="card">
            <h1 style={HEADING}>{subject}</h1>
            {paragraphs.map((paragraph) => (
              <p style={PARAGRAPH}>{paragraph}</p>
            ))}
            <Code code={letter.code} />
            <Link link={letter.link} palette={light} />
            <Facts facts={facts} />
          </main>
          <footer>
            <p style={FOOT} class="faint">
              {reason}
              {howToStop === null ? null : (
                <>
                  <br />
                  {howToStop}
                </>
              )}
              {origin === null ? null : (
                <>
                  <br />
                  <a href={origin} style={`color:${light.link}`} class="link">
                    {origin}
                  </a>
                </>
              )}
            </p>
          </footer>
        </div>
      </body>
    </html>
  )
  return `<!doctype html>${page.toString()}`
}

const Facts = ({ facts }: Pick<Letter, 'facts'>) =>
  facts.length === 0 ? null : (
    <table cellspacing="0" cellpadding="0">
      <tbody>
        {facts.map(({ label, value }) => (
          <tr>
            <th scope="row" style={LABEL} class="faint">
              {label}
            </th>
            <td style={VALUE}>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )

const Code = ({ code }: Pick<Letter, 'code'>) =>
  code === null ? null : (
    <>
      <p style={PARAGRAPH}>{code.label}</p>
      <p style={CODE}>{code.value}</p>
    </>
  )

/** The address stands there as text too, for programs that show no buttons and for people who look before they press. */
const Link = ({ link, palette }: Pick<Letter, 'link'> & { palette: Palette }) =>
  link === null ? null : (
    <>
      <p style={PARAGRAPH}>
        <a href={link.url} style={buttonOf(palette)} class="button">
          {link.label}
        </a>
      </p>
      <p style={AS_TEXT} class="faint">
        {link.asText}
        <br />
        {link.url}
      </p>
    </>
  )
