/** The pages that mailed links open, by name. */
import type { LinkPage } from '../one-time/purposes.ts'

export type Page = LinkPage | EmailPage

/** A page that asks for an address and mails a link to it; it is also the way on from a link that is over. */
export type EmailPage = 'forgot_password' | 'resend_verification' | 'request_sign_in'
