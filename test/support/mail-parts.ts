/** What is in the parts of a mail, as a mail program sees them. */
import { type DefaultTreeAdapterTypes, parse } from 'parse5'

export type Tree = { tag: string; attributes: Record<string, string>; children: Tree[] }

/** Elements and attributes of the HTML part; text is what may differ. */
export const treeOf = (html: string): Tree[] => childrenOf(parse(html))

function childrenOf(node: DefaultTreeAdapterTypes.Node): Tree[] {
  if ('data' in node) throw new Error(`a comment: ${node.data}`)
  if (!('childNodes' in node)) return []
  const children = node.childNodes.flatMap(childrenOf)
  if (!('attrs' in node)) return children
  const attributes = Object.fromEntries(node.attrs.map(({ name, value }) => [name, value]))
  return [{ tag: node.tagName, attributes, children }]
}

export const flat = (trees: Tree[]): Tree[] => trees.flatMap((tree) => [tree, ...flat(tree.children)])

/** Whatever in the HTML part leads anywhere, loads anything or runs: attribute and value. */
export const linksOf = (html: string): [name: string, value: string][] =>
  flat(treeOf(html)).flatMap(({ attributes }) =>
    Object.entries(attributes).filter(([name]) => /href|src|action|background|url|^on/.test(name)),
  )

/** The text that the HTML part shows. */
export function shownText(html: string): string {
  const textOf = (node: DefaultTreeAdapterTypes.Node): string =>
    'value' in node ? node.value : 'childNodes' in node ? node.childNodes.map(textOf).join('\n') : ''
  return textOf(parse(html))
}
