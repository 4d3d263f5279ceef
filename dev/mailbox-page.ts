/** The mailbox as a page: every message with its text part and its HTML part, the latter in a frame that may do nothing. */
import { html } from 'hono/html'
import type { Message } from './mailbox.ts'

const STYLE = `
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }
  details { border: 1px solid #ccc; border-radius: 6px; margin: .5rem 0; padding: .5rem 1rem }
  summary { cursor: pointer } summary time { color: #595959; margin-right: .75rem }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem } dd { margin: 0; overflow-wrap: anywhere }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f5f5f5; padding: 1rem }
  iframe { width: 100%; height: 30rem; border: 1px solid #ccc }`

/** @param messages newest first; everything in them is escaped, `srcdoc` included */
export function renderMailboxPage(messages: Message[]): string {
  const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Mailbox</title><style>${STYLE}</style></head>
<body>
<h1>Mailbox</h1>
<p>${messages.length} messages. <code>GET /api/messages?to=</code>, <code>DELETE /api/messages</code></p>
${messages.map(renderMessage)}
</body>
</html>`
  return String(page)
}

const renderMessage = ({ to, from, subject, text, html: htmlPart, headers, created_at }: Message) => html`
<details>
<summary><time>${created_at}</time> <b>${subject}</b> to ${to}</summary>
<dl>
<dt>From</dt><dd>${from}</dd>
${Object.entries(headers).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
</dl>
<h2>Text</h2>
<pre>${text}</pre>
<h2>HTML</h2>
<iframe sandbox="" title="HTML part" srcdoc="${htmlPart}"></iframe>
</details>`
