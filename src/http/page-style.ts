/** How the pages look, on a phone too and in the dark, and the policy that allows this style sheet and nothing else. */
export const SHELL_STYLE = `
:root { color-scheme: light dark }
body { margin: 0; padding: 24px; font: 1.0625rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff }
.tenant { margin: 0; color: #595959 }
h1, .tenant { overflow-wrap: anywhere }
main { max-width: 26rem; margin: 8vh auto 0 }
h1 { margin-top: 4px; font-size: 1.5rem; line-height: 1.25 }
details { margin-top: 32px; padding-top: 16px; border-top: 1px solid #c4c4c4 }
summary { padding: 4px 0; font-weight: 600; cursor: pointer }
label { display: block; margin: 16px 0 4px; font-weight: 600 }
input, button { box-sizing: border-box; width: 100%; min-height: 48px; padding: 10px 12px; font: inherit; border-radius: 6px }
input { border: 1px solid #6b6b6b; color: inherit; background: transparent }
button { margin-top: 24px; border: 0; font-weight: 600; color: #fff; background: #1a4fd0; cursor: pointer }
:focus-visible { outline: 3px solid #1a4fd0; outline-offset: 2px }
[role=alert] { padding: 12px; border-left: 4px solid #b3261e; background: #fbeceb }
@media (prefers-color-scheme: dark) {
  body { color: #f0f0f0; background: #161616 }
  input { border-color: #9a9a9a }
  button { background: #2f62dd }
  .tenant { color: #b0b0b0 }
  details { border-color: #4a4a4a }
  :focus-visible { outline-color: #8fb0ff }
  [role=alert] { border-color: #f2b8b5; background: #3a1f1d }
}
`

/** `Content-Security-Policy` (CSP3) of every page: its own style by its hash, its own form, and nothing else. */
export async function shellPolicy(style = SHELL_STYLE): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style))
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)))
  return [
    "default-src 'none'",
    `style-src 'sha256-${hash}'`,
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}
