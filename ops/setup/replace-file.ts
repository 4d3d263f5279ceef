/** A file that is changed in one step: a run that is cut off leaves the whole file of before, or the whole new one. */
import { renameSync, writeFileSync } from 'node:fs'

/** @param mode of the new file */
export function replaceFile(file: string, text: string, mode?: number): void {
  writeFileSync(`${file}.new`, text, { mode })
  renameSync(`${file}.new`, file)
}
