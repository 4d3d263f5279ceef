/** What a language must say on the pages. A text that is missing does not compile; a new language is a file beside this one. */
import type { Page } from '../forms.ts'

export type PageTexts = {
  /** The heading of the page, and its title. */
  heading: string
  /** What pressing the button does. */
  lead: string
  button: string
  /** Once it is done: what happened, and what to do next. */
  done: Done
}

type Done = { heading: string; next: string }

/** `without_password`: the account has none now. `waiting`: the other address has yet to confirm. */
export type Instead = 'without_password' | 'waiting'

/** What a page can answer with a sentence of its own; anything else is `other`. */
export type Mishap =
  | 'invalid_one_time_token'
  | 'invalid_sign_in_link'
  | 'invalid_credentials'
  | 'missing'
  | 'password_compromised'
  | 'too_short'
  | 'too_long'
  | 'invalid_input'
  | 'email_taken'
  | 'rate_limited'
  | 'invalid_code'
  | 'invalid_mfa_token'
  | 'second_factor_disabled'
  | 'second_factor_required'
  | 'origin_not_allowed'
  | 'other'

/** Of the two forms that prove an address where its password is at stake. */
type Proofs = {
  known: { lead: string; button: string }
  chosen: { heading: string; lead: string; button: string }
}

export type Texts = {
  pages: Record<Page, PageTexts>
  /** Where it was done otherwise than the page's own `done` says. */
  instead: Record<Instead, Done>
  proofs: Proofs
  /** Where a second factor is asked for; `enrol` where the account has to add one first. */
  secondStep: { heading: string; lead: string; button: string; enrol: string }
  /** The heading where a link is over, and what to do then. */
  isOver: string
  wayOn: Partial<Record<Page, string>>
  /** Above what went wrong. */
  refused: string
  /** Below it, where another attempt can help. */
  goBack: string
  mishaps: Record<Mishap, string>
  fields: { email: string; optionalName: string; currentPassword: string; newPassword: string; code: string }
}
