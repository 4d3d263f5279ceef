/** What an operator confirms before something is lost: by `--yes`, or by an answer at a terminal. */
import { createInterface } from 'node:readline/promises'

/**
 * @param consequence what is lost, as a sentence
 * @throws unless it was confirmed
 */
export async function confirm(consequence: string, isConfirmed: boolean): Promise<void> {
  if (isConfirmed) return
  if (!process.stdin.isTTY) throw new Error(`${consequence} Add --yes to confirm`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`${consequence} Continue? [y/N] `)
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new Error('nothing was changed')
}
