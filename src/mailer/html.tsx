/**
 * The HTML part. hono/jsx escapes every text and attribute; nothing here is raw, and what can be pressed is the letter's
 * one link, where it has one, and the tenant's own origin.
 * Loaded when a mail is rendered and not before, because Node, which reads the route table from our code, knows no JSX.
 */
import type { Letter } from './letter.ts'

const BODY = 'margin:0;padding:24px;background:#ffffff;color:#1a1a1a;font:16px/1.5 sans-serif'
const COLUMN = 'max-width:560px;margin:0 auto'
const CODE = 'margin:0 0 24px;font:bold 28px/1.5 monospace;letter-spacing:4px'
const BUTTON =
  'display:inline-block;padding:12px 20px;background:#1a1a1a;color:#ffffff;border-radius:6px;text-decoration:none'
const AS_TEXT = 'margin-bottom:24px;color:#595959;font-size:13px;word-break:break-all'
const LABEL = 'padding:0 16px 4px 0;color:#595959;text-align:left;font-weight:normal;vertical-align:top'
const FOOT = 'margin-top:32px;color:#595959;font-size:13px'

export function renderHtml(letter: Letter): string {
  const { language, subject, paragraphs, facts, reason, howToStop, origin } = letter
  const page = (
    <html lang={language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        {/* Some programs make links of what looks like a number, a date or an address. */}
        <meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no" />
        <title>{subject}</title>
      </head>
      <body style={BODY}>
        <div style={COLUMN}>
          {paragraphs.map((paragraph) => (
            <p>{paragraph}</p>
          ))}
          <Code code={letter.code} />
          <Link link={letter.link} />
          <table cellspacing="0" cellpadding="0">
            <tbody>
              {facts.map(({ label, value }) => (
                <tr>
                  <th scope="row" style={LABEL}>
                    {label}
                  </th>
                  <td>{value}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p style={FOOT}>
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
                <a href={origin}>{origin}</a>
              </>
            )}
          </p>
        </div>
      </body>
    </html>
  )
  return `<!doctype html>${page.toString()}`
}

const Code = ({ code }: Pick<Letter, 'code'>) =>
  code === null ? null : (
    <>
      <p>{code.label}</p>
      <p style={CODE}>{code.value}</p>
    </>
  )

/** The address stands there as text too, for programs that show no buttons and for people who look before they press. */
const Link = ({ link }: Pick<Letter, 'link'>) =>
  link === null ? null : (
    <>
      <p>
        <a href={link.url} style={BUTTON}>
          {link.label}
        </a>
      </p>
      <p style={AS_TEXT}>
        {link.asText}
        <br />
        {link.url}
      </p>
    </>
  )
