/**
 * What keys are derived for. What is made for one purpose must be garbage for another, so each purpose is named in one folder
 * of src/; crypto/ derives for whatever it is given and names none.
 */
import { descendants, isNode, type Node, nameOf, nodes, type SourceFile } from './source.ts'

const DERIVES = /^(deriveKey|deriveAll|seal|open)$/
const FROM_CRYPTO = /(^|\/)crypto\/(keyring|sealing)\.ts$|^\.\/(keyring|sealing)\.ts$/

/** The purposes that a file derives keys for, as it spells them: `cookie:${DEVICE_COOKIE}`. */
export function purposesOf({ body, imports }: Pick<SourceFile, 'body' | 'imports'>): string[] {
  if (!imports.some(({ from }) => FROM_CRYPTO.test(from))) return []
  const all = [...descendants(body)]
  const constants = new Map(
    all.flatMap((node) =>
      node.type === 'VariableDeclarator' && isNode(node.init) ? [[nameOf(node.id), node.init] as const] : [],
    ),
  )
  return all.flatMap((node) => {
    if (node.type !== 'CallExpression' || !DERIVES.test(nameOf(node.callee))) return []
    const [, purpose] = nodes(node.arguments)
    const constant = purpose?.type === 'Identifier' ? constants.get(nameOf(purpose)) : undefined
    const text = purpose && textOf(constant ?? purpose)
    return text === undefined ? [] : [text]
  })
}

/** Undefined for what is no text: a parameter, in crypto/. */
function textOf(node: Node): string | undefined {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node.type !== 'TemplateLiteral') return undefined
  const names = nodes(node.expressions).map(nameOf)
  return nodes(node.quasis)
    .map(({ value }, index) => {
      const { raw } = value as { raw: string } // of a template's own text
      return index < names.length ? `${raw}\${${names[index]}}` : raw
    })
    .join('')
}
