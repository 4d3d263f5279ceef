/** What a language must say. A text that is missing does not compile; a new language is a file beside this one. */
import type { Inert } from '../inert.ts'
import type { Fact, Template } from '../mails.ts'

/** Sentences only: no markup, and no text of a stranger that is not `Inert`. */
export type Texts = {
  greeting: (name: Inert | null) => string
  mails: Record<Template, { subject: (tenant: Inert) => string; paragraphs: (tenant: Inert) => string[] }>
  facts: Record<Fact, string>
  /** Why the mail came; what stands behind it is the tenant's own origin. */
  reason: (tenant: Inert) => string
}
