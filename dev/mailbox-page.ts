/**
 * The mailbox as a page: every message with its text part beside its HTML part, the latter in a frame that may do nothing.
 * One script of ours, named by its hash, writes times as the reader's, copies, and adds what comes; no other runs.
 */
import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import type { Message } from './mailbox.ts'

const STYLE = `
  :root { color-scheme: light dark; --line: #c4c4c4; --faint: #595959; --back: #f5f5f5 }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 1.5rem auto; padding: 0 1rem }
  details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .5rem 1rem; overflow-wrap: anywhere }
  summary { cursor: pointer } time, .faint { color: var(--faint) } summary time { margin-right: .5rem }
  h2 { font-size: 1rem; margin: .5rem 0 } dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem } dd { margin: 0 }
  ul { list-style: none; margin: .25rem 0; padding: 0 } li { display: flex; gap: .5rem; align-items: start; margin: .25rem 0 }
  button { font: inherit; min-height: 2rem; cursor: pointer }
  .parts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0 1rem }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--back); padding: 1rem; margin: 0 }
  iframe { box-sizing: border-box; width: 100%; height: 30rem; border: 1px solid var(--line); background: #fff; color-scheme: light }
  @media (prefers-color-scheme: dark) { :root { --line: #4a4a4a; --faint: #b0b0b0; --back: #222 } }`

/** `ready` is called for each message that is in the page, once. What comes is fetched as the page that the server writes. */
const SCRIPT = `
const list = document.querySelector('main')
const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
function ready(message) {
  for (const one of message.querySelectorAll('time')) one.textContent = time.format(new Date(one.dateTime))
  for (const button of message.querySelectorAll('button')) {
    button.hidden = false
    button.onclick = async () => {
      await navigator.clipboard.writeText(button.previousElementSibling.textContent)
      button.textContent = 'Copied'
    }
  }
}
async function update() {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html')
  const old = new Map([...list.children].map((message) => [message.id, message]))
  const messages = [...page.querySelector('main').children].map((message) => {
    const kept = old.get(message.id)
    old.delete(message.id)
    return kept ?? message
  })
  for (const gone of old.values()) gone.remove()
  for (const message of messages.toReversed())
    if (!message.isConnected || message.ownerDocument !== document) {
      list.prepend(document.adoptNode(message))
      ready(message)
    }
  document.querySelector('#count').textContent = page.querySelector('#count').textContent
  document.title = page.title
}
for (const message of list.children) ready(message)
new EventSource('/api/changes').onmessage = update
`

const hash = createHash('sha256').update(SCRIPT).digest('base64')

/** No script but ours, nothing from elsewhere, and the frames are text that the page itself carries. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  `script-src 'sha256-${hash}'`,
  "connect-src 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** @param messages newest first; everything in them is escaped, `srcdoc` included */
export function renderMailboxPage(messages: Message[]): string {
  const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Mailbox (${messages.length})</title><style>${raw(STYLE)}</style></head>
<body>
<h1>Mailbox</h1>
<p><span id="count">${messages.length === 1 ? '1 message' : `${messages.length} messages`}</span>, newest first. New messages appear automatically. <code>GET /api/messages?to=</code>, <code>DELETE /api/messages</code></p>
<main>${messages.map(renderMessage)}</main>
<script>${raw(SCRIPT)}</script>
</body>
</html>`
  return String(page)
}

/** The newest is open, so that a link is one look away. */
const renderMessage = (
  { id, to, from, subject, text, html: htmlPart, headers, created_at }: Message,
  index: number,
) => html`<details id="m${id}"${index === 0 ? raw(' open') : ''}>
<summary><time datetime="${created_at}">${created_at}</time> <b>${subject}</b> <span class="faint">to ${to}</span></summary>
<ul>${copiesOf(text).map((copy) => html`<li><code>${copy}</code><button type="button" hidden>Copy</button></li>`)}</ul>
<div class="parts">
<section><h2>Text</h2>
<pre>${text}</pre></section>
<section><h2>HTML</h2>
<iframe sandbox="" title="HTML part" srcdoc="${htmlPart}"></iframe></section>
</div>
<dl>
<dt>From</dt><dd>${from}</dd>
${Object.entries(headers).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
</dl>
</details>`

/** What a reader comes for: the lines that are a link with a token, or a code. */
const copiesOf = (text: string): string[] =>
  text.split('\n').filter((line) => /^https?:\/\/\S+\?token=\S+$|^[0-9]{6}$/.test(line))
