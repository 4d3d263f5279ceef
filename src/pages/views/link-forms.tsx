/** The forms of the pages that mailed links open. */

import type { Child } from 'hono/jsx'
import type { EmailPage, Page } from '../forms.ts'
import type { Instead, Texts } from '../languages/texts.ts'
import { EMAIL, Field, type FieldOf, Hidden, NEW_PASSWORD } from './fields.tsx'
import { Card } from './layout.tsx'
import type { Part } from './part.ts'

/** What a page asks for besides the button. */
const FIELDS: Partial<Record<Page, readonly FieldOf[]>> = {
  reset_password: [NEW_PASSWORD],
  accept_invitation: [
    { name: 'name', label: 'optionalName', type: 'text', autocomplete: 'name', required: false },
    NEW_PASSWORD,
  ],
  forgot_password: [EMAIL],
  resend_verification: [EMAIL],
  request_sign_in: [EMAIL],
}

/** What keeps a password that was chosen before, and what takes its place: one form each. */
const PROOFS: Record<'known' | 'chosen', FieldOf> = {
  known: {
    name: 'password',
    label: 'currentPassword',
    type: 'password',
    autocomplete: 'current-password',
    required: true,
  },
  chosen: { ...NEW_PASSWORD, name: 'new_password' },
}

/** Where a form posts that is shown on another page. */
const EMAIL_PATHS: Record<EmailPage, string> = {
  forgot_password: '/link/forgot-password',
  resend_verification: '/link/resend-verification',
  request_sign_in: '/link/request-sign-in',
}

/** The form that replaces an expired link of this page; without one, there is only a text. */
const WAY_ON: Partial<Record<Page, EmailPage>> = {
  verify_email: 'resend_verification',
  reset_password: 'forgot_password',
  sign_in: 'request_sign_in',
  restore_account: 'forgot_password',
  revert_email: 'forgot_password',
  accept_invitation: 'forgot_password',
}

/** A page that leads on from what a page says. */
type On = 'sign_in' | 'forgot_password' | 'request_sign_in' | 'account' | 'account_email'

const ON_PATHS: Record<On, string> = {
  sign_in: '/sign-in',
  forgot_password: '/link/forgot-password',
  request_sign_in: '/link/request-sign-in',
  account: '/account',
  account_email: '/account/email',
}

/** Where the person goes on once it is done. */
const DONE_ON: Record<Page | Instead, On> = {
  verify_email: 'sign_in',
  reset_password: 'sign_in',
  change_email: 'sign_in',
  revert_email: 'forgot_password',
  sign_in: 'account',
  restore_account: 'forgot_password',
  accept_invitation: 'sign_in',
  forgot_password: 'sign_in',
  resend_verification: 'sign_in',
  request_sign_in: 'sign_in',
  without_password: 'forgot_password',
  waiting: 'account',
}

const GoOn: Part<{ to: On; texts: Texts }> = ({ to, texts }) => (
  <p class="more">
    <a href={ON_PATHS[to]}>{texts.on[to]}</a>
  </p>
)

/** What happened, and where to go on. */
export const Outcome: Part<{ what: Page | Instead; text: string; texts: Texts }> = ({
  what,
  text,
  texts,
}) => (
  <>
    <Status text={text} />
    <GoOn to={DONE_ON[what]} texts={texts} />
  </>
)

/** Which of these forms mail what a tenant may want Turnstile for; they are on a page of their own then. */
export const asksHuman = (page: Page): boolean => page === 'forgot_password' || page === 'request_sign_in'

/** What to do with a link of this page that is over. */
export const WayOn: Part<{ page: Page; texts: Texts; siteKey: string | null }> = ({
  page,
  texts,
  siteKey,
}) => {
  const form = WAY_ON[page]
  const text = texts.wayOn[page]
  return (
    <>
      {text ? <p id="lead">{text}</p> : null}
      {form === undefined ? null : siteKey !== null && asksHuman(form) ? (
        <a class="button" href={EMAIL_PATHS[form]}>
          {texts.pages[form].button}
        </a>
      ) : (
        <OneForm page={form} texts={texts} action={EMAIL_PATHS[form]} token={null} human={null} />
      )}
    </>
  )
}

/** Where pressing a button alone would cost the password: it is asked for, or a new one is chosen. */
export const Proofs: Part<{ texts: Texts; action: string; token: string }> = ({ texts, action, token }) => {
  const { known, chosen } = texts.proofs
  const form = (name: 'known' | 'chosen') => (
    <form method="post" action={action}>
      <Hidden name="token" value={token} />
      <Field {...PROOFS[name]} screen={{ texts }} />
      <button type="submit">{texts.proofs[name].button}</button>
    </form>
  )
  return (
    <>
      <p>{known.lead}</p>
      {form('known')}
      <details>
        <summary>{chosen.heading}</summary>
        <p>{chosen.lead}</p>
        {form('chosen')}
      </details>
    </>
  )
}

type FormOf = { page: Page; texts: Texts; action: string; token: string | null; human: Child }

/** @param human the widget of Turnstile, where it is asked for */
export const OneForm: Part<FormOf> = ({ page, texts, action, token, human }) => (
  <form method="post" action={action} aria-describedby="lead">
    {token === null ? null : <Hidden name="token" value={token} />}
    {(FIELDS[page] ?? []).map((field) => (
      <Field {...field} screen={{ texts }} />
    ))}
    {human}
    <button type="submit">{texts.pages[page].button}</button>
  </form>
)

/** A form, and what it does. */
export const Led: Part<FormOf> = (props) => (
  <>
    <p id="lead">{props.texts.pages[props.page].lead}</p>
    <OneForm {...props} />
  </>
)

export const Status: Part<{ text: string }> = ({ text }) => <p role="status">{text}</p>

type RefusedOf = {
  alert: string
  /** None on a host that we do not know. */
  on: On | null
  /** Where another attempt can help. */
  again: string | null
  /** The page whose link is over. */
  over: Page | null
  siteKey: string | null
  texts: Texts
}

export const Refused: Part<RefusedOf> = ({ alert, on, again, over, siteKey, texts }) => (
  <>
    <p role="alert">{alert}</p>
    {again === null ? null : <p>{again}</p>}
    {over === null ? null : <WayOn page={over} texts={texts} siteKey={siteKey} />}
    {on === null ? null : <GoOn to={on} texts={texts} />}
  </>
)

export const Headed: Part<{ heading: string }> = ({ heading, children }) => (
  <Card>
    <h1>{heading}</h1>
    {children}
  </Card>
)
