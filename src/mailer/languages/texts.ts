/** What a language must say. A text that is missing does not compile; a new language is a file beside this one. */

import type { LinkMail } from '../../one-time/purposes.ts'
import type { Inert } from '../inert.ts'
import type { Fact, NoticeTemplate } from '../mails.ts'

export type Said = {
  subject: (tenant: Inert) => string
  paragraphs: (tenant: Inert) => string[]
}

/** Sentences only: no markup, and no text of a stranger that is not `Inert`. */
export type Texts = {
  greeting: (name: Inert | null) => string
  /** `action` is what the link says. */
  mails: Record<NoticeTemplate, Said> & Record<LinkMail, Said & { action: string }>
  /** Before the address of the link as text, and before the code. */
  linkAsText: string
  code: string
  facts: Record<Fact, string>
  /** Why the mail came; what follows it is the tenant's own origin. To an address that is not proved, the second. */
  reason: (tenant: Inert) => string
  reasonUnproved: (tenant: Inert) => string
  /** Under mail that can be turned off. */
  howToStop: string
}
