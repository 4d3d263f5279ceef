/** The parts of every form: fields with their labels, hints and what is wrong with them, and the token. */

import type { FieldName, Texts } from '../languages/texts.ts'
import type { Screen } from '../screen.ts'
import type { Part } from './part.ts'

export type FieldOf = {
  name: FieldName
  label: keyof Texts['fields']
  type: 'text' | 'password'
  /** Which keys a phone shows. No `type="email"`: browsers refuse U+00A0 around an address, which we take away. */
  inputMode?: 'email' | 'numeric'
  /** For password managers (HTML, autofill detail tokens). */
  autocomplete: string
  required: boolean
  /** In UTF-16 units, so that a browser says at once what no tenant would take (tenants.ts, `password_min_length`). */
  minLength?: number
  hint?: string | undefined
  value?: string | undefined
  isFirst?: boolean
}

/** The pages of mailed links have no script, and show nothing again. */
type Words = Pick<Screen, 'texts'> & Partial<Pick<Screen, 'typed' | 'wrongWith' | 'formToken'>>

/** A field with its label. What is wrong with it is read out with it, and it has the focus then. */
export const Field: Part<FieldOf & { screen: Words }> = ({ screen, isFirst = false, ...field }) => {
  const { name, type, hint } = field
  const wrong = screen.wrongWith?.(name) ?? null
  const described = [hint === undefined ? '' : `${name}-hint`, wrong === null ? '' : `${name}-error`].filter(
    Boolean,
  )
  const { show, hide } = screen.texts.password
  return (
    <>
      <label for={name}>{screen.texts.fields[field.label]}</label>
      {hint === undefined ? null : (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      <div class={type === 'password' ? 'secret' : undefined}>
        <input
          id={name}
          name={name}
          type={type}
          inputmode={field.inputMode}
          autocapitalize={type === 'password' || field.inputMode === undefined ? undefined : 'none'}
          spellcheck={field.inputMode === undefined ? undefined : false}
          autocomplete={field.autocomplete}
          required={field.required}
          minlength={field.minLength}
          value={type === 'password' ? undefined : (screen.typed?.(name) ?? field.value)}
          aria-invalid={wrong === null ? undefined : 'true'}
          aria-describedby={described.length === 0 ? undefined : described.join(' ')}
          autofocus={wrong !== null || isFirst}
        />
        {type === 'password' && screen.formToken !== undefined ? (
          <button
            type="button"
            data-shows={name}
            data-show={show}
            data-hide={hide}
            aria-controls={name}
            hidden
          >
            {show}
          </button>
        ) : null}
      </div>
      {wrong === null ? null : (
        <p class="error" id={`${name}-error`}>
          {wrong}
        </p>
      )}
    </>
  )
}

export const Hidden: Part<{ name: string; value: string }> = ({ name, value }) => (
  <input type="hidden" name={name} value={value} />
)

export const FormToken: Part<{ screen: Pick<Screen, 'formToken'> }> = ({ screen }) => (
  <Hidden name="form_token" value={screen.formToken} />
)

/** What is wrong with the form as a whole. */
export const Alert: Part<{ screen: Pick<Screen, 'alert'> }> = ({ screen }) =>
  screen.alert === null ? null : <p role="alert">{screen.alert}</p>

export const EMAIL = {
  name: 'email',
  label: 'email',
  type: 'text',
  inputMode: 'email',
  autocomplete: 'username',
  required: true,
} as const satisfies FieldOf

export const NEW_PASSWORD = {
  name: 'password',
  label: 'newPassword',
  type: 'password',
  autocomplete: 'new-password',
  required: true,
  minLength: 8,
} as const satisfies FieldOf

export const CODE = {
  name: 'code',
  label: 'code',
  type: 'text',
  autocomplete: 'one-time-code',
  required: true,
} as const satisfies FieldOf
