/**
 * What a table holds about people, as `<capability>/personal-data.ts` declares it: how it is exported, how it is erased, and
 * when its rows are no longer needed. src/personal-data.ts gathers the declarations; the export, the erasure and the
 * clean-up do what they say, and a table of the schema that none names fails a test.
 */
import { type SQL, sql } from 'drizzle-orm'

/** Whose data it is. */
export type Person = { userId: string; tenantId: string }

/** What a member of the export says, and the expression that it is read by. No hash, key or sealed text is one. */
export type Member = readonly [says: string, value: SQL]

/** A part of the export, under its own name. */
export type Section = {
  says: string
  /** One object, or null where there is none; else a list. */
  isOne?: true
  /** `table … where …`: the rows of the person. */
  of: (person: Person) => SQL
  /** Unique among them, and the order in which they are read. */
  key: SQL
  members: Readonly<Record<string, Member>>
}

/**
 * How the rows of an erased person go:
 * - `credential`: it opens the account without a mail, and has a `user_id`: src/access/ ends it, then and whenever an account
 *   is secured;
 * - `with access`: src/access/ ends it too, by itself;
 * - `with audit`: src/audit/ makes them unreadable;
 * - `clears`: a piece of the statement that clears, over `accounts` (`id`, `tenant_id`, `email`);
 * - `deletes`: a select of at most `limit` places (`ctid`), run after that until none is left.
 */
export type Erasure =
  | 'credential'
  | 'with access'
  | 'with audit'
  | { clears: (accounts: SQL) => SQL }
  | { deletes: (userIds: string[], limit: number) => SQL }

/** Which rows nothing needs any more; `from` where other tables decide that. Each `where` has its index. */
export type Outlived = { from?: SQL; where: SQL }

/**
 * Of second factors: they stay when an account is secured or closed, or no one would be asked for them. Undoing a change of the
 * address ends those that are younger than the change. Each member is over the table.
 */
export type SecondFactor = {
  boundAt: SQL
  /** Which rows have a sign-in ask for a second factor, where any do. */
  asksFor?: SQL
  /** Of a table of credentials, whose rows of `asksFor` stay: the `update` after which they no longer sign in by themselves. */
  stays?: (account: SQL, isKept: SQL) => SQL
}

export type TableData = {
  /** By what each run of the clean-up calls them. */
  outlived?: Readonly<Record<string, Outlived>>
} & (
  | { holdsNoPerson: string }
  /** Its capability exports and erases it in its own way. */
  | { apart: string }
  | {
      section: readonly [name: string, section: Section]
      /** Other rows of the table about the person, in a section of their own. */
      besides?: readonly (readonly [name: string, section: Section])[]
      /** The columns that the export leaves out, each with its reason. */
      leftOut: Readonly<Record<string, string>>
      erasure: Erasure
      secondFactor?: SecondFactor
    }
)

/** By the name of the table. */
export type PersonalData = Readonly<Record<string, TableData>>

/** An instant as the export writes it. */
export const time = (column: SQL): SQL =>
  sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
