/** An operator's command, in this process: a process of its own takes half a second to start. */
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { lineOf, type OperatorContext, type Output } from '../../ops/context.ts'
import type { Ran } from './keys-command.ts'

type Command = (ctx: OperatorContext, words: string[], out: Output) => Promise<void>

/** @returns what the command line would have shown, and its exit code */
export async function runInProcess(command: Command, ctx: OperatorContext, words: string[]): Promise<Ran> {
  const printed = { stdout: '', stderr: '' }
  const out = new Console({ stdout: into(printed, 'stdout'), stderr: into(printed, 'stderr') })
  const status = await command(ctx, words, out).then(
    () => 0,
    (error: unknown) => {
      out.error(lineOf(error))
      return 1
    },
  )
  return { status, ...printed }
}

const into = (printed: { stdout: string; stderr: string }, stream: 'stdout' | 'stderr') =>
  new Writable({
    write(chunk, _, done) {
      printed[stream] += chunk
      done()
    },
  })
