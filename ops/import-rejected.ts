/**
 * The lines that were not imported, as they were, in a file beside the one they came from: to be mended there and imported
 * again. It holds what the other one holds, so only its owner may read it; and it never takes the place of another file.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'

export type RejectedLines = {
  keep(line: Uint8Array): void
  /** @returns the file, or null when there was nothing to keep */
  close(): string | null
}

export function createRejectedLines(importedFile: string): RejectedLines {
  let opened: { file: string; handle: number } | null = null
  return {
    keep(line) {
      opened ??= open(importedFile)
      writeSync(opened.handle, line)
      writeSync(opened.handle, '\n')
    },
    close() {
      if (opened) closeSync(opened.handle)
      return opened?.file ?? null
    },
  }
}

/** `users.ndjson` → `users.rejected.ndjson`, or `users.rejected-2.ndjson` where that is there already. */
function open(importedFile: string): { file: string; handle: number } {
  const { dir, name, ext } = path.parse(importedFile)
  for (let number = 1; ; number++) {
    const file = path.join(dir, `${name}.rejected${number === 1 ? '' : `-${number}`}${ext}`)
    try {
      return { file, handle: openSync(file, 'wx', 0o600) }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
}
