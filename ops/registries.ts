/**
 * Files that only list what there is: the languages of mail, of pages and of the console, and the Workers whose operations the all-in-one
 * has. `npm run docs` writes them, so that adding one is one file; a test holds them to the folders and to wrangler.toml.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { ALL_IN_ONE, readWorkers } from './routes.ts'

/** @returns each file as it is and as it should be */
export function renderRegistries(): { file: string; text: string; rendered: string }[] {
  return [
    ...['src/mailer/languages', 'src/pages/languages', 'src/console/languages'].map((folder) => ({
      file: `${folder}/all.ts`,
      rendered: languagesIn(folder),
    })),
    { file: 'src/workers/all.ts', rendered: workers() },
  ].map(({ file, rendered }) => ({ file, text: readFileSync(file, 'utf8'), rendered }))
}

/** A language is a file that is named after its tag and exports its texts by the tag's name: `pt-BR.ts` exports `ptBR`. */
function languagesIn(folder: string): string {
  const tags = readdirSync(folder)
    .map((file) => path.basename(file, '.ts'))
    .filter((name) => /^[a-z]{2,3}(-[A-Za-z0-9]+)*$/.test(name) && name !== 'all')
    .toSorted()
  const entries = tags.map((tag) => ({ tag, name: tag.replaceAll('-', '') }))
  return [
    '/** Each language of this folder, by its BCP 47 tag. Written by `npm run docs`. */',
    ...entries.map(({ tag, name }) => `import { ${name} } from './${tag}.ts'`),
    '',
    'export const LANGUAGES = {',
    ...entries.map(({ tag, name }) => (tag === name ? `  ${name},` : `  '${tag}': ${name},`)),
    '}',
    '',
  ].join('\n')
}

/** The Workers of wrangler.toml that have operations, in its order. */
function workers(): string {
  const names = [...readWorkers()].flatMap(([worker, { main = '' }]) => {
    const hasOperations = worker !== ALL_IN_ONE && !readFileSync(main, 'utf8').includes('operations = []')
    return hasOperations
      ? [
          {
            file: path.basename(main),
            name: worker.replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase()),
          },
        ]
      : []
  })
  return [
    '/** The operations of every Worker of wrangler.toml, in its order. Written by `npm run docs`. */',
    ...names
      .toSorted((a, b) => (a.file < b.file ? -1 : 1))
      .map(({ file, name }) => `import { operations as ${name} } from './${file}'`),
    '',
    'export const operations = [',
    ...names.map(({ name }) => `  ...${name},`),
    ']',
    '',
  ].join('\n')
}
