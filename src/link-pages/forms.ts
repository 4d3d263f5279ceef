/** The forms of the pages: what each asks for, and where it posts. */
import { html, raw } from 'hono/html'
import type { LinkPage } from '../one-time/purposes.ts'
import type { Texts } from './languages/texts.ts'

export type Page = LinkPage | EmailPage

/** A page that asks for an address and mails a link to it; it is also the way on from a link that is over. */
export type EmailPage = 'forgot_password' | 'resend_verification' | 'request_sign_in'

type Field = {
  name: 'email' | 'name' | 'password' | 'new_password' | 'code'
  label: keyof Texts['fields']
  type: 'text' | 'password'
  /** Which keys a phone shows. No `type="email"`: browsers refuse U+00A0 around an address, which we take away. */
  inputMode?: 'email'
  /** For password managers (HTML, autofill detail tokens). */
  autocomplete: 'username' | 'name' | 'current-password' | 'new-password' | 'one-time-code'
  required: boolean
  /** In UTF-16 units, so that a browser says at once what no tenant would take (tenants.ts, `password_min_length`). */
  minLength?: number
}

const newPassword: Field = {
  name: 'password',
  label: 'newPassword',
  type: 'password',
  autocomplete: 'new-password',
  required: true,
  minLength: 8,
}

const email: Field = {
  name: 'email',
  label: 'email',
  type: 'text',
  inputMode: 'email',
  autocomplete: 'username',
  required: true,
}

/** What a page asks for besides the button. */
const FIELDS: Record<Page, readonly Field[]> = {
  verify_email: [],
  reset_password: [newPassword],
  change_email: [],
  revert_email: [],
  sign_in: [],
  restore_account: [],
  accept_invitation: [
    { name: 'name', label: 'optionalName', type: 'text', autocomplete: 'name', required: false },
    newPassword,
  ],
  forgot_password: [email],
  resend_verification: [email],
  request_sign_in: [email],
}

/** What keeps a password that was chosen before, and what takes its place: one form each. */
const PROOFS: Record<'known' | 'chosen', Field> = {
  known: {
    name: 'password',
    label: 'currentPassword',
    type: 'password',
    autocomplete: 'current-password',
    required: true,
  },
  chosen: { ...newPassword, name: 'new_password' },
}

/** Where a form posts that is shown on another page. */
const EMAIL_PATHS: Record<EmailPage, string> = {
  forgot_password: '/link/forgot-password',
  resend_verification: '/link/resend-verification',
  request_sign_in: '/link/request-sign-in',
}

/** What helps whoever holds a link of this page that is over; without one, the text alone says it. */
const WAY_ON: Partial<Record<Page, EmailPage>> = {
  verify_email: 'resend_verification',
  reset_password: 'forgot_password',
  sign_in: 'request_sign_in',
  restore_account: 'forgot_password',
  revert_email: 'forgot_password',
  accept_invitation: 'forgot_password',
}

/** What to do with a link of this page that is over. */
export function renderWayOn(page: Page, texts: Texts) {
  const form = WAY_ON[page]
  const text = texts.wayOn[page]
  return html`${text ? html`<p id="lead">${text}</p>` : ''}
      ${form ? renderOneForm(form, texts, { action: EMAIL_PATHS[form], token: null }) : ''}`
}

/** Where pressing a button alone would cost the password: it is asked for, or a new one is chosen. */
export function renderProofs(texts: Texts, { action, token }: { action: string; token: string }) {
  const { known, chosen } = texts.proofs
  const form = (name: 'known' | 'chosen') => html`<form method="post" action="${action}">
        <input type="hidden" name="token" value="${token}">
        ${renderField(PROOFS[name], texts)}
        <button type="submit">${texts.proofs[name].button}</button>
      </form>`
  return html`<p>${known.lead}</p>
      ${form('known')}
      <details>
        <summary>${chosen.heading}</summary>
        <p>${chosen.lead}</p>
        ${form('chosen')}
      </details>`
}

const CODE: Field = {
  name: 'code',
  label: 'code',
  type: 'text',
  autocomplete: 'one-time-code',
  required: true,
}

/** The second step of a sign-in. */
export const renderSecondStep = (
  texts: Texts,
  { action, mfaToken }: { action: string; mfaToken: string },
) => html`<p id="lead">${texts.secondStep.lead}</p>
      <form method="post" action="${action}" aria-describedby="lead">
        <input type="hidden" name="mfa_token" value="${mfaToken}">
        ${renderField(CODE, texts)}
        <button type="submit">${texts.secondStep.button}</button>
      </form>`

export const renderOneForm = (
  page: Page,
  texts: Texts,
  { action, token }: { action: string; token: string | null },
) =>
  html`<form method="post" action="${action}" aria-describedby="lead">
        ${token === null ? '' : html`<input type="hidden" name="token" value="${token}">`}
        ${FIELDS[page].map((field) => renderField(field, texts))}
        <button type="submit">${texts.pages[page].button}</button>
      </form>`

const renderField = (
  { name, label, type, inputMode, autocomplete, required, minLength }: Field,
  { fields }: Texts,
) =>
  html`<label for="${name}">${fields[label]}</label>
        <input id="${name}" name="${name}" type="${type}"${inputMode ? html` inputmode="${inputMode}" autocapitalize="none" spellcheck="false"` : ''} autocomplete="${autocomplete}"${required ? raw(' required') : ''}${minLength ? html` minlength="${minLength}"` : ''}>`
