#!/usr/bin/env node
// @ts-check
/**
 * `latchkey-service <command>`, in the repository of a deployment that has this service as a package (docs/deploying.md): the same commands as
 * `npm run <command>` here. It is JavaScript, because Node reads no TypeScript below node_modules; ./typescript.js teaches it to.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { COMMANDS } from './commands.js'

/** A package of npm, with which the release was tested. */
const { node: NODE } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).devDependencies

const [command = '', ...words] = process.argv.slice(2)
const file = COMMANDS[command]

if (!process.features.typescript || !import.meta.dirname) {
  console.error(
    `this is Node ${process.versions.node}, which is too old. npm run and npx use a newer one after:`,
  )
  console.error(`  npm install --save-dev node@${NODE}`)
  process.exitCode = 1
} else if (file === undefined) {
  console.error(`latchkey-service ${Object.keys(COMMANDS).join(' | ')}`)
  process.exitCode = 1
} else {
  const here = (/** @type {string} */ name) => new URL(name, import.meta.url)
  const given = command === 'init' || command === 'update' ? [command, ...words] : words
  const child = spawn(
    process.execPath,
    ['--import', here('./typescript.js').href, fileURLToPath(here(`../${file}`)), ...given],
    { stdio: 'inherit' },
  )
  child.once('close', (code) => {
    process.exitCode = code ?? 1
  })
}
