/** A table as Markdown has it. */
export const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** Text that would end a cell does not. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim()

/** What the comment above each member of an object literal says. @throws names a member without one */
export function commentsIn(source: string, names: readonly string[], file: string): Map<string, string> {
  return new Map(
    names.map((name) => {
      const [, comment] = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\n *${name}[:?]`).exec(source) ?? []
      if (comment === undefined) throw new Error(`${name} has no /** comment */ above it in ${file}`)
      return [
        name,
        comment
          .replaceAll(/\n *\*/g, ' ')
          .replaceAll(/\s+/g, ' ')
          .trim(),
      ]
    }),
  )
}
