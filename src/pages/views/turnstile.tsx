/** The widget of Cloudflare Turnstile, where the tenant wants it: the one thing of another site that a page may load. */
import type { Texts } from '../languages/texts.ts'
import type { Part } from './part.ts'

/** Its script puts the token into the form, as a field of this name. */
const FIELD = 'turnstile_token'

export const TURNSTILE_SCRIPT = 'https://challenges.cloudflare.com/turnstile/v0/api.js'

export const Turnstile: Part<{ siteKey: string | null; tag: string; texts: Texts }> = ({
  siteKey,
  tag,
  texts,
}) =>
  siteKey === null ? null : (
    <>
      <div
        class="cf-turnstile"
        data-sitekey={siteKey}
        data-response-field-name={FIELD}
        data-size="flexible"
        data-language={tag}
      />
      <noscript>
        <p class="error">{texts.needsScript}</p>
      </noscript>
    </>
  )
