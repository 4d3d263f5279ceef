/** The words of our comments and texts: those of CONVENTIONS.md, and no paper that is not in the repository. */

/** Words that no RFC uses. A stranger reads "no one", "the caller", "an attacker" or "exists" once. */
const SIGNS = /\b(nobody|somebody|whoever|anybody|everybody|no way in|comes to be)\b/i
/** Papers that were read while this was built. Cases are in docs/cases.md, and their ids may be in titles of tests. */
const PAPERS = /\b(CASES|FINDINGS|DESIGN|PLATFORM|PEERS|ARGON2|LOCAL-STACK)(\.md| §| [A-Z]\d\d\b)|\bF\d\d\b/

/** The user of that name, which systems have, and addresses that tests make up. */
const DATA = /[`'/](no|some)body(?=[`'@.-])/g

/** @returns the lines that say it in such a word, with their numbers */
export const oddWords = (text: string): string[] => linesWith([SIGNS, PAPERS], text)

/** The same of a test, whose title may name the case that it is for. */
export const oddTestWords = (text: string): string[] => linesWith([SIGNS], text)

function linesWith(patterns: RegExp[], text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const said = line.replaceAll(DATA, '')
    const found = patterns.flatMap((pattern) => pattern.exec(said) ?? [])
    return found[0] ? [`${index + 1}: ${found[0]}`] : []
  })
}
