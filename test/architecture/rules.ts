/**
 * What Biome cannot say about src/. Each rule looks at one file and returns what is wrong with it, in words for the
 * person whose change broke it.
 */
import { descendants, isNode, type Node, nameOf, nodes, type SourceFile } from './source.ts'

export type Rule = (file: SourceFile) => string[]

const STATEFUL = /^(Map|Set|WeakMap|WeakSet|WeakRef|AsyncLocalStorage|Redis|Ratelimit|Pool|Client)$/
const MAKES_A_CLIENT = /^(neon|drizzle|fetch|create[A-Z]\w*)$/
const FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression|MethodDefinition)$/

/** State that outlives a request leaks from one caller to the next, and holds sockets that die (FINDINGS F01, F04). */
export const noModuleState: Rule = ({ path, body }) => {
  const wrong: string[] = []
  for (const node of moduleLevel(body)) {
    if (node.type === 'VariableDeclaration' && node.kind !== 'const')
      wrong.push(`\`${node.kind}\` at module level`)
    if (node.type === 'VariableDeclarator' && isEmptyContainer(node.init))
      wrong.push(`an empty container at module level: ${nameOf(node.id)}`)
    if (node.type === 'AwaitExpression') wrong.push('`await` at module level')
    if (node.type === 'NewExpression' && STATEFUL.test(nameOf(node.callee)))
      wrong.push(`\`new ${nameOf(node.callee)}\` at module level`)
    if (node.type === 'CallExpression' && MAKES_A_CLIENT.test(nameOf(node.callee)))
      wrong.push(`\`${nameOf(node.callee)}()\` at module level`)
  }
  return wrong.filter(
    (what) => !MODULE_STATE_ALLOWED.some(([where, which]) => where.test(path) && what === which),
  )
}

const MODULE_STATE_ALLOWED: [where: RegExp, what: string][] = [
  // workerd does not collect WebAssembly memories in time, so there is one instance, wiped after each hash (ARGON2.md).
  [/^src\/crypto\/argon2\.ts$/, '`createArgon2()` at module level'],
  // What one isolate's one thread has taken on: a count beside that instance (ARGON2.md, last section).
  [/^src\/crypto\/hash-slots\.ts$/, '`createHashSlots()` at module level'],
  [/^src\/crypto\/hash-line\.ts$/, '`createHashLine()` at module level'],
  // What is read from an object of bindings lives exactly as long as that object. A rotated secret is a new version, and a
  // new version has an object of its own: test/workerd/settings.workerd.test.ts.
  [/^src\/settings\.ts$/, '`createSettingsReader()` at module level'],
  // A Worker is its list of operations: no data, no connection.
  [/^src\/(index|workers\/[a-z-]+)\.ts$/, '`createApp()` at module level'],
  [/^src\/(index|workers\/jobs)\.ts$/, '`createJobs()` at module level'],
]

/** What runs when the module loads; a function that is called where it stands runs then too. */
function* moduleLevel(body: Node[]): Generator<Node> {
  for (const node of descendants(body, ({ type }) => !FUNCTION.test(type))) {
    yield node
    if (node.type === 'CallExpression' && isNode(node.callee) && FUNCTION.test(node.callee.type))
      yield* moduleLevel(nodes(node.callee.body))
  }
}

function isEmptyContainer(init: unknown): boolean {
  if (!isNode(init)) return false
  if (init.type === 'ObjectExpression') return nodes(init.properties).length === 0
  return init.type === 'ArrayExpression' && nodes(init.elements).length === 0
}

/** A constant that functions fill is a cache by another name. */
export const noFilledConstants: Rule = ({ body }) => {
  const constants = new Set(body.flatMap(constantsOf))
  const wrong: string[] = []
  for (const node of descendants(body)) {
    const target = node.type === 'AssignmentExpression' ? node.left : mutatedBy(node)
    if (isNode(target) && target.type === 'MemberExpression' && constants.has(rootOf(target)))
      wrong.push(`the constant ${rootOf(target)} is changed`)
  }
  return wrong
}

function constantsOf(statement: Node): string[] {
  const declaration = isNode(statement.declaration) ? statement.declaration : statement
  return nodes(declaration.declarations).map(({ id }) => nameOf(id))
}

/** `x.push` of `x.push(1)`. */
function mutatedBy({ type, callee }: Node): unknown {
  return type === 'CallExpression' && /\.(push|unshift|splice|set|add)$/.test(nameOf(callee)) ? callee : null
}

function rootOf(node: Node): string {
  let root = node
  while (root.type === 'MemberExpression' && isNode(root.object)) root = root.object
  return nameOf(root)
}

/** A Worker that behaves otherwise under test, or believes a header that anyone can write, is not the one we tested. */
export const noBackDoors: Rule = ({ body }) => {
  const wrong: string[] = []
  for (const node of descendants(body)) {
    const name = nameOf(node)
    if (name === 'process' || name === 'NODE_ENV') wrong.push(`${name}: settings come from the bindings`)
    if (name === 'Math.random') wrong.push('Math.random: use ctx.random')
    if (name === 'import.meta' || node.type === 'MetaProperty') wrong.push('import.meta: not in a Worker')
    const text = textOf(node)
    if (text !== null && /^(x-forwarded|x-real-ip|forwarded$|true-client-ip)/i.test(text))
      wrong.push(`${text}: any client can send it; read CF-Connecting-IP`)
    if (node.type === 'IfStatement' || node.type === 'ConditionalExpression')
      if (asksWhetherTesting(node.test)) wrong.push('a branch for tests')
  }
  return wrong
}

/** `pattern.test(text)` asks something else. */
function asksWhetherTesting(condition: unknown): boolean {
  const asked = [...descendants(nodes(condition))]
  const called = new Set(asked.flatMap(({ type, callee }) => (type === 'CallExpression' ? [callee] : [])))
  const methods = new Set(asked.flatMap((node) => (called.has(node) ? [node.property] : [])))
  return asked.some(
    (node) =>
      !methods.has(node) && (/^(is)?test(ing|s|Mode)?$/i.test(nameOf(node)) || textOf(node) === 'test'),
  )
}

const textOf = (node: Node) => (node.type === 'Literal' && typeof node.value === 'string' ? node.value : null)

/** Where a library may be used: a pattern of its name, of the files, and why. Type-only imports cost nothing and may go anywhere. */
const LIBRARY_HOMES: [library: RegExp, files: RegExp][] = [
  [/^@neondatabase\//, /^src\/storage\/postgres\.ts$/],
  [/^@upstash\/redis/, /^src\/storage\/redis\.ts$/],
  [/^@upstash\/ratelimit/, /^src\/limits\/sliding-window\.ts$/],
  // SQL lives beside the schema, in each capability's store, in the two rotations, in the outbox and in what a table's owner declares.
  [
    /^drizzle-orm/,
    /^src\/(storage\/|[a-z-]+\/([a-z-]+-)?(store|rotation)\.ts$|events\/outbox\.ts$|([a-z-]+\/)?personal-data\.ts$)/,
  ],
  // Only its binaries are used, extracted once (ops/extract-argon2.js): its loader cannot run in a Worker.
  [/^hash-wasm/, /^$/],
  [/^node:/, /^$/],
]

export const librariesAtHome: Rule = ({ path, imports }) =>
  imports
    .filter(
      ({ from, typeOnly }) =>
        !typeOnly && LIBRARY_HOMES.some(([library, files]) => library.test(from) && !files.test(path)),
    )
    .map(({ from }) => `imports ${from}`)

/** Every session passed what sign-in/ asks for: no other folder inserts one, or says how it was authenticated. */
export const oneDoor: Rule = ({ path, body }) => {
  if (path.startsWith('src/sign-in/')) return []
  const wrong: string[] = []
  for (const node of descendants(body)) {
    const text = node.type === 'TemplateElement' ? rawOf(node) : ''
    if (/insert\s+into\s+sessions\b/i.test(text)) wrong.push('inserts a session')
    if (/\b(auth_time|aal)\s*=/i.test(text)) wrong.push('sets how a session was authenticated')
    if (node.type === 'CallExpression' && /\.insert$/.test(nameOf(node.callee)))
      if (nodes(node.arguments).some((argument) => nameOf(argument) === 'sessions'))
        wrong.push('inserts a session')
  }
  return wrong
}

/** A row that a type asserts is `undefined` where the statement has no such column: schemas read rows (storage/rows.ts). */
export const rowsAreRead: Rule = ({ path, body }) =>
  path === 'src/storage/rows.ts'
    ? []
    : [...descendants(body)].flatMap((node) =>
        node.type === 'CallExpression' && /\.execute$/.test(nameOf(node.callee)) && isNode(node.typeArguments)
          ? ['`execute<…>`: use rowsOf of storage/rows.ts']
          : [],
      )

const rawOf = ({ value }: Node) =>
  typeof value === 'object' && value !== null && 'raw' in value ? String(value.raw) : ''

/** What every request goes through must not be able to make a trip. */
export const middlewareWithoutStorage: Rule = ({ path, imports }) =>
  /^src\/(app\.ts|http\/)/.test(path)
    ? imports
        .filter(
          ({ from, typeOnly }) =>
            !typeOnly && /(^|\/)storage\/|^drizzle-orm|^@neondatabase|^@upstash/.test(from),
        )
        .map(({ from }) => `middleware imports ${from}`)
    : []

/**
 * Only a Worker's list names route and page files, and no one leaves src/ and comes back. But a page of the console says which operations it
 * shows the answers of and has done, and is held to what they demand: that is their description.
 */
export const routesFromWorkersAlone: Rule = ({ path, imports }) =>
  imports
    .filter(
      ({ from }) =>
        (/\.(route|page)\.ts$/.test(from) &&
          !/^src\/workers\//.test(path) &&
          !(/^src\/console\//.test(path) && from.endsWith('.route.ts'))) ||
        /(^|\/)src\//.test(from),
    )
    .map(({ from }) => `imports ${from}`)

/** A route file is one operation under one name: the file's, the export's and its `id`. */
export const oneOperationPerRouteFile: Rule = ({ path, body }) => {
  if (!path.endsWith('.route.ts')) return []
  const { name, init } = onlyExport(body)
  if (name === '' || idOf(init) !== name)
    return [`does not export one ${name || 'x'} = operation({ id: '${name || 'x'}', … })`]
  return isNamed(path, `${kebab(name)}.route.ts`)
}

/** A page file is one page under one name: the file's, the export's and its own. */
export const onePagePerPageFile: Rule = ({ path, body }) => {
  if (!path.endsWith('.page.ts')) return []
  const { name, init } = onlyExport(body)
  const [own] = isNode(init) && MAKES_A_PAGE.test(nameOf(init.callee)) ? nodes(init.arguments) : []
  if (name === '' || !own || textOf(own) !== name)
    return [`does not export one ${name || 'x'} = page('${name || 'x'}', …)`]
  return isNamed(path, `${kebab(name.replace(/Page$/, ''))}.page.ts`)
}

const MAKES_A_PAGE =
  /^(page|hostedPage|accountPage|plainPage|consolePage|consoleForm|userActionPage|webhookActionPage|providerActionPage)$/

/** What a module exports besides types, if that is one constant. */
function onlyExport(body: Node[]): { name: string; init: unknown } {
  const exported = body.filter(({ type, exportKind }) => /^Export/.test(type) && exportKind !== 'type')
  const [only] = exported.flatMap(({ declaration }) =>
    isNode(declaration) ? nodes(declaration.declarations) : [],
  )
  return exported.length === 1 && only ? { name: nameOf(only.id), init: only.init } : { name: '', init: null }
}

const isNamed = (path: string, file: string) =>
  path.split('/').at(-1) === file ? [] : [`is not in a file of its name: ${file}`]

const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** `x` of `operation({ id: 'x', … }, …)`; null for anything else. */
function idOf(init: unknown): string | null {
  if (!isNode(init) || init.type !== 'CallExpression' || nameOf(init.callee) !== 'operation') return null
  const [description] = nodes(init.arguments)
  const id = nodes(description?.properties).find(({ key }) => nameOf(key) === 'id')
  return isNode(id?.value) ? textOf(id.value) : null
}
