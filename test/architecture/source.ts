/** Source files as trees, so that a rule sees code and never a comment, a type or a string that looks like code. */
import { readdirSync, readFileSync } from 'node:fs'
import { parseAst } from 'vitest/node'

/** A node of the ESTree that the parser makes; rules read few of its fields. */
export type Node = { type: string; [field: string]: unknown }

export type Import = { from: string; typeOnly: boolean }

export type SourceFile = { path: string; body: Node[]; imports: Import[] }

export function readSource(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(?<!\.d)\.tsx?$/.test(file))
    .map((file) => `${folder}/${file}`)
    .sort()
    .map((path) => parseSource(path, readFileSync(path, 'utf8')))
}

export function parseSource(path: string, text: string): SourceFile {
  // The parser's own type is a union of a hundred shapes; rules look at `type` first.
  const { body } = parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' }) as unknown as { body: Node[] }
  return { path, body, imports: importsOf(body) }
}

function importsOf(body: Node[]): Import[] {
  const found: Import[] = []
  for (const node of descendants(body)) {
    const { source } = node
    if (!isNode(source) || typeof source.value !== 'string') continue
    const typeOnly = node.type === 'TSImportType' || node.importKind === 'type' || node.exportKind === 'type'
    found.push({ from: source.value, typeOnly: typeOnly || isTypesAlone(node) })
  }
  return found
}

/** `import { type A, type B } from …` */
function isTypesAlone({ specifiers }: Node): boolean {
  const all = nodes(specifiers)
  return all.length > 0 && all.every((one) => one.importKind === 'type')
}

/**
 * Every node below `roots`, themselves included, types left out.
 * @param enter whether to go into a node; by default into all
 */
export function* descendants(roots: Node[], enter: (node: Node) => boolean = () => true): Generator<Node> {
  for (const node of roots) {
    yield node
    if (enter(node)) yield* descendants(childrenOf(node), enter)
  }
}

function childrenOf(node: Node): Node[] {
  return Object.entries(node)
    .filter(([field]) => field !== 'typeAnnotation' || node.type === 'TSTypeAliasDeclaration')
    .flatMap(([, value]) => nodes(value))
}

export function nodes(value: unknown): Node[] {
  return (Array.isArray(value) ? value : [value]).filter(isNode)
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** The name of `name`, and `a.b` of `a.b`; '' for anything else. */
export function nameOf(node: unknown): string {
  if (!isNode(node)) return ''
  if (node.type === 'Identifier') return String(node.name)
  if (node.type === 'MemberExpression' && node.computed !== true)
    return `${nameOf(node.object)}.${nameOf(node.property)}`
  return ''
}
