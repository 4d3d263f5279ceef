/**
 * The HTML part. hono/jsx escapes every text and attribute; nothing here is raw, and the one link is the tenant's own origin.
 * Loaded when a mail is rendered and not before, because Node, which reads the route table from our code, knows no JSX.
 */
import type { Letter } from './letter.ts'

const BODY = 'margin:0;padding:24px;background:#ffffff;color:#1a1a1a;font:16px/1.5 sans-serif'
const COLUMN = 'max-width:560px;margin:0 auto'
const LABEL = 'padding:0 16px 4px 0;color:#595959;text-align:left;font-weight:normal;vertical-align:top'
const FOOT = 'margin-top:32px;color:#595959;font-size:13px'

export function renderHtml({ language, subject, paragraphs, facts, reason, origin }: Letter): string {
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
