/** A form that the script fills in with what a passkey made or signed. Without a script it is not there. */
import type { Screen } from '../screen.ts'
import { FormToken, Hidden } from './fields.tsx'
import type { Part } from './part.ts'

type PasskeyFormOf = {
  screen: Screen
  action: string
  does: 'create' | 'get'
  /** Where the options come from: of an operation of the API (with `json`), or of a page, which is asked with the form's fields. */
  options: string
  json?: Record<string, string>
  /** Whether the browser offers a passkey in the field for the address (conditional UI). */
  isConditional?: boolean
  fields?: Record<string, string>
  /** A checkbox elsewhere on the page that goes with it. */
  copies?: string | undefined
  button: string
  isFirst?: boolean
}

export const PasskeyForm: Part<PasskeyFormOf> = (props) => (
  <form
    method="post"
    action={props.action}
    data-passkey={props.does}
    data-options={props.options}
    data-json={props.json === undefined ? undefined : JSON.stringify(props.json)}
    data-conditional={props.isConditional ? 'yes' : undefined}
    hidden
  >
    <FormToken screen={props.screen} />
    {Object.entries(props.fields ?? {}).map(([name, value]) => (
      <Hidden name={name} value={value} />
    ))}
    {props.copies === undefined ? null : (
      <input type="hidden" name={props.copies} value="" data-copies={props.copies} />
    )}
    <Hidden name="credential" value="" />
    <button type="button" class={props.isFirst ? undefined : 'second'}>
      {props.button}
    </button>
    <p class="error" aria-live="polite" data-failed={props.screen.texts.passkeyFailed} />
  </form>
)
