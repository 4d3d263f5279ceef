/**
 * Why we cannot use the database, in words for the operator's log. When Neon refuses to ask it at all (a wrong password, a
 * disabled endpoint, a spent quota), that is an HTTP 400 without a SQLSTATE. The answer's text may hold addresses and
 * credentials, so only our words leave here.
 */

/** Neon's wordings, and ours for the operator's log. */
const MEANINGS: [wording: RegExp, meaning: string][] = [
  [/password authentication failed/i, 'the user or password of the connection string is not accepted'],
  [/quota/i, 'a quota of the Neon project is used up'],
  [/disabled/i, 'the Neon endpoint is disabled'],
  [/suspended/i, 'the Neon project is suspended'],
  [/not allowed to connect/i, 'the Neon project does not allow our address'],
  [/too many/i, 'there are too many connections'],
  [
    /relation \W*audit_(events|heads)\W* does not exist/i,
    'no audit log is here; does this Worker lack AUDIT_DATABASE_URL?',
  ],
  [/(relation|column) .* does not exist/i, 'the schema is older than this release; run npm run migrate'],
  [/could not be found|does not exist|not specified/i, 'there is no such endpoint, database or role'],
  [/compute node|control plane|temporar(il)?y/i, 'the Neon compute does not start'],
]

/** @returns for a log line: what an answer that is not 200 says, in our words; empty when it is none that we know */
export function meaningOf(body: string): string {
  const message = /"(?:message|msg)":"((?:[^"\\]|\\.)*)"/.exec(body)?.[1] ?? ''
  const known = MEANINGS.find(([wording]) => wording.test(message))
  return known ? `: ${known[1]}` : ''
}
