/** How the pages look, on a phone and on a desktop, in the light and in the dark; and the policy that allows this and nothing else. */
import { paletteOf, type Theme } from '../tenants/colours.ts'
import { SCRIPT } from './script.ts'

export const STYLE = `
:root { color-scheme: light dark; --text: #1b1f24; --faint: #57606a; --back: #f4f5f7; --card: #fff; --line: #d5d9de; --field: #6e7781;
  --strong: #1a4fd0; --stronger: #153fa8; --on-strong: #fff; --edge: transparent; --link: #1a4fd0; --bad: #b3261e; --bad-back: #fdecea; --good: #146c2e;
  --good-back: #e6f4ea; --tint: #eef2fc }
@media (prefers-color-scheme: dark) {
  :root { --text: #eceff3; --faint: #a8b0ba; --back: #0e1116; --card: #171b21; --line: #343b44; --field: #8b949e;
    --strong: #2f62dd; --stronger: #3f73f0; --on-strong: #fff; --link: #8fb0ff; --bad: #ffb4ab; --bad-back: #3a1f1d; --good: #7ee2a8;
    --good-back: #14301f; --tint: #1d2533 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: var(--text); background: var(--back) }
h1, h2, p, li, dd, code, .tenant { overflow-wrap: anywhere }
h1 { margin: 0 0 8px; font-size: 1.5rem; line-height: 1.25; letter-spacing: -.01em }
h2 { margin: 0 0 4px; font-size: 1.0625rem }
p { margin: 0 0 16px }
a { color: var(--link); text-underline-offset: 3px }
.top { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; justify-content: space-between; max-width: 26rem; margin: 0 auto; padding: 40px 20px 16px }
.wide .top, .wide main, .wide .foot { max-width: 44rem }
.tenant { margin: 0; font-weight: 650; font-size: 1.0625rem }
/* Made for a light ground, mostly: so it has one in the dark, too. */
.logo { display: block; height: 48px; max-width: 15rem; padding: 4px 0; object-fit: contain; object-position: left }
@media (prefers-color-scheme: dark) { .logo { padding: 4px 8px; background: #fff; border-radius: 9px } }
.tenant a { color: inherit; text-decoration: none }
main { max-width: 26rem; margin: 0 auto; padding: 0 20px }
.card { padding: 28px 24px; background: var(--card); border: 1px solid var(--line); border-radius: 14px }
.card + .card { margin-top: 16px }
.card > :last-child, .card > :last-child > :last-child { margin-bottom: 0 }
body > main:first-child { padding-top: 40px; padding-bottom: 40px }
.foot { max-width: 26rem; margin: 0 auto; padding: 16px 20px 40px; font-size: .875rem; color: var(--faint) }
.foot a { display: inline-block; padding: 4px 12px 4px 0; color: var(--faint) }
.lead, .hint, .faint { color: var(--faint) }
.hint { margin: 0 0 6px; font-size: .875rem }
label { display: block; margin: 16px 0 6px; font-weight: 600; font-size: .9375rem }
input, select, .button, button { width: 100%; min-height: 46px; padding: 10px 12px; font: inherit; border-radius: 9px }
input, select { border: 1px solid var(--field); color: inherit; background: var(--card) }
input[aria-invalid=true] { border-color: var(--bad); box-shadow: inset 0 0 0 1px var(--bad) }
input[type=checkbox] { min-height: 24px; accent-color: var(--strong) }
.code input { font-size: 1.375rem; letter-spacing: .2em; font-variant-numeric: tabular-nums }
.secret { position: relative }
.secret input { padding-right: 92px }
.secret button { position: absolute; top: 5px; right: 5px; width: auto; min-height: 36px; margin: 0; padding: 4px 12px; font-size: .875rem; color: var(--link); background: none; border: 0 }
.error { margin: 6px 0 0; font-size: .9375rem; color: var(--bad) }
button, .button { display: block; margin: 20px 0 0; border: 1px solid var(--edge); font-weight: 600; text-align: center; text-decoration: none; color: var(--on-strong); background: var(--strong); cursor: pointer }
button:hover, .button:hover { background: var(--stronger) }
button[aria-busy=true] { opacity: .65 }
.second, .second:hover { color: var(--text); background: none; border-color: var(--field) }
.second:hover { background: var(--tint) }
.danger, .danger:hover { color: var(--bad); background: none; border-color: var(--bad) }
.danger:hover { background: var(--bad-back) }
.stack > * + * { margin-top: 10px }
.or { display: flex; align-items: center; gap: 12px; margin: 20px 0; color: var(--faint); font-size: .875rem }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line) }
.more { margin: 20px 0 0; padding: 16px 0 0; border-top: 1px solid var(--line) }
.more a { display: inline-block; padding: 4px 0 }
.beside { float: right; font-size: .9375rem; padding: 4px 0 4px 12px; margin-top: 12px }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
[role=alert], [role=status] { margin: 0 0 16px; padding: 12px 14px; border-radius: 9px }
[role=alert] { color: var(--bad); background: var(--bad-back); border: 1px solid var(--bad) }
[role=status] { background: var(--good-back); border: 1px solid var(--good) }
details { margin-top: 24px; padding-top: 12px; border-top: 1px solid var(--line) }
summary { min-height: 32px; padding: 4px 0; font-weight: 600; cursor: pointer }
.rows { list-style: none; margin: 12px 0 0; padding: 0 }
.rows > li { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; justify-content: space-between; padding: 14px 0; border-top: 1px solid var(--line) }
.rows > li > :first-child { flex: 1 1 14rem; min-width: 0 }
.rows p { margin: 0 }
.rows details { flex: 1 0 100%; margin: 0; padding: 0; border: 0 }
.rows details form { margin: 8px 0 4px }
.rows > li:last-child { padding-bottom: 0 }
.cf-turnstile { min-height: 65px; margin-top: 20px }
fieldset { margin: 16px 0 0; padding: 0; border: 0 }
legend { padding: 0; font-weight: 600; font-size: .9375rem }
fieldset .check { margin-top: 12px }
.check { display: flex; gap: 12px; align-items: start; margin-top: 20px; font-weight: 400 }
.check input { flex: none; width: 24px; margin: 0 }
h1 + [role=alert], h1 + [role=status] { margin-top: 12px }
.rows button, .rows .button { width: auto; min-height: 40px; margin: 0; padding: 7px 14px; font-size: .9375rem }
.top button { width: auto; min-height: 40px; margin: 0; padding: 7px 14px; font-size: .9375rem }
.tag { display: inline-block; margin-left: 8px; padding: 1px 8px; border-radius: 99px; font-size: .8125rem; font-weight: 600; color: var(--good); background: var(--good-back) }
.qr { display: block; width: 208px; max-width: 100%; margin: 16px auto; padding: 12px; background: #fff; border-radius: 9px }
.qr svg { display: block; width: 100%; height: auto }
.codes { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 8px 16px; margin: 0 0 16px; padding: 16px; list-style: none; background: var(--tint); border-radius: 9px }
code, pre, .codes { font: .9375rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
pre { margin: 12px 0 0; padding: 14px; overflow-x: auto; font-size: .8125rem; background: var(--tint); border-radius: 9px }
[hidden] { display: none !important }
.console .top, .console main, .console .foot, .sections { max-width: 68rem }
.sections { margin: 0 auto; padding: 0 20px 16px }
.sections ul, .actions { display: flex; flex-wrap: wrap; gap: 4px; margin: 0; padding: 0; list-style: none }
.sections a { display: block; padding: 8px 12px; border-radius: 9px; color: var(--text); text-decoration: none }
.sections a:hover { background: var(--tint) }
.sections [aria-current] { font-weight: 650; color: var(--link); background: var(--tint) }
.filters { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 0 16px; align-items: end; margin-bottom: 20px }
.filters button { margin-top: 16px }
.narrow { max-width: 26rem }
.actions { gap: 8px; margin-top: 12px }
.actions .button { width: auto; min-height: 40px; margin: 0; padding: 7px 14px; font-size: .9375rem }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 12px 24px; margin: 12px 0 0 }
.facts dt { font-size: .875rem; color: var(--faint) }
.facts dd { margin: 0 }
.tag.bad { color: var(--bad); background: var(--bad-back) }
details.data { margin: 4px 0 0; padding: 0; border: 0 }
.follow { font-size: .875rem }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 16px; margin-top: 16px; align-items: start }
.pictures .card { margin: 0; min-width: 0 }
.number { margin: 0 0 8px; font-size: 1.75rem; font-weight: 650; font-variant-numeric: tabular-nums }
.bars { display: block; width: 100%; height: auto; border-bottom: 1px solid var(--line) }
.ends { display: flex; justify-content: space-between; gap: 16px; margin: 4px 0 12px; font-size: .8125rem; color: var(--faint) }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0; padding: 0; list-style: none; font-size: .875rem }
.swatch { display: inline-block; width: 12px; height: 12px; margin-right: 4px; border-radius: 3px }
.shade0 { fill: var(--strong); background: var(--strong) }
.shade1 { fill: #d9822b; background: #d9822b }
.shade2 { fill: #2e9e6b; background: #2e9e6b }
.shade3 { fill: #a358c7; background: #a358c7 }
.shade4 { fill: var(--field); background: var(--field) }
.scrolls { overflow-x: auto }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums }
th, td { padding: 6px 16px 6px 0; text-align: left; border-top: 1px solid var(--line); white-space: nowrap }
td { text-align: right }
[aria-current=true] { border-color: var(--link); color: var(--link) }
h1 .tag { vertical-align: middle }
@media (min-width: 40rem) { .top { padding-top: 9vh } .wide .top { padding-top: 40px } .card { padding: 32px } }
@media (prefers-reduced-motion: no-preference) { button, .button { transition: background .12s } }
`

/** A style after that of every page. @param colour `#rrggbb`, as the tenant's setting was checked */
function styleOfColour(colour: string): string {
  const variables = (theme: Theme) => {
    const { strong, stronger, onStrong, edge, link } = paletteOf(colour, theme)
    return `:root { --strong: ${strong}; --stronger: ${stronger}; --on-strong: ${onStrong}; --edge: ${edge}; --link: ${link} }`
  }
  return `\n${variables('light')}\n@media (prefers-color-scheme: dark) { ${variables('dark')} }\n`
}

/** What a page is styled by: what every page is, and the colour of its tenant. */
export const stylesOf = (colour: string | null): string[] =>
  colour === null ? [STYLE] : [STYLE, styleOfColour(colour)]

/** Where its script and its frame are. */
const TURNSTILE = 'https://challenges.cloudflare.com'

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`
}

/**
 * `Content-Security-Policy` (CSP3) of every page: its own style and its own script by their hashes, its own forms, and nothing else.
 * @param colour of the tenant
 * @param logo of the tenant, which its pages show
 * @param asksHuman whether the widget of Turnstile is on it, whose script and frame are Cloudflare's
 * @param leadsTo the source of where a form of the page may lead in the end: browsers hold redirects to `form-action` too
 */
export async function pagePolicy({
  colour,
  logo,
  hasScript = false,
  leadsTo = '',
  asksHuman = false,
}: {
  colour: string | null
  logo: string | null
  hasScript?: boolean
  leadsTo?: string
  asksHuman?: boolean
}): Promise<string> {
  const scripts = [...(hasScript ? [await hashOf(SCRIPT)] : []), ...(asksHuman ? [TURNSTILE] : [])]
  const styles = await Promise.all(stylesOf(colour).map(hashOf))
  return [
    "default-src 'none'",
    `style-src ${styles.join(' ')}`,
    ...(scripts.length > 0 ? [`script-src ${scripts.join(' ')}`] : []),
    ...(logo === null ? [] : ["img-src 'self'"]),
    ...(hasScript ? ["connect-src 'self'"] : []),
    ...(asksHuman ? [`frame-src ${TURNSTILE}`] : []),
    `form-action 'self'${leadsTo && ` ${leadsTo}`}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}
