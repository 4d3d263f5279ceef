#!/usr/bin/env node
/**
 * wrangler as it answers `npm run setup`, without an account: what it was told is kept in a file, and it refuses what wrangler 4.155 refuses, in its
 * words. WRANGLER_STATE names the file.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const { WRANGLER_STATE: file } = process.env
const state = JSON.parse(readFileSync(file, 'utf8'))
const args = process.argv.slice(2)
state.calls.push({ args, env: Object.keys(process.env).toSorted() })
const save = () => writeFileSync(file, JSON.stringify(state))

function refuse(message) {
  save()
  process.stderr.write(`\n✘ [ERROR] ${message}\n\n`)
  process.exit(1)
}

function requireLogin() {
  if (!state.login) refuse('Not logged in. Please run `wrangler login` to authenticate.')
}

async function readStdin() {
  let text = ''
  for await (const chunk of process.stdin) text += chunk
  return text
}

const requireTopLevel = () => {
  if (!args.includes('--env=')) refuse('Multiple environments are defined; this stand-in wants --env=')
}

const COMMANDS = {
  whoami() {
    if (!args.includes('--json')) return process.stdout.write('Getting User settings...\n')
    if (!state.login) {
      save()
      process.stdout.write(JSON.stringify({ loggedIn: false }))
      process.exit(1)
    }
    process.stdout.write(JSON.stringify({ loggedIn: true, email: 'you@acme.test', accounts: state.accounts }))
  },
  'queues info'() {
    requireLogin()
    const [, , name] = args
    if (!state.queues.includes(name))
      refuse(`Queue "${name}" does not exist. To create it, run: wrangler queues create ${name}`)
    process.stdout.write(`Queue Name: ${name}\n`)
  },
  'queues create'() {
    requireLogin()
    const [, , name] = args
    if (state.queues.includes(name)) refuse(`Queue name '${name}' is already taken. [code: 11009]`)
    state.queues.push(name)
    process.stdout.write(`✅ Created queue '${name}'\n`)
  },
  'secret list'() {
    requireLogin()
    requireTopLevel()
    if (state.secrets === null)
      refuse(
        'Worker "latchkey" not found.\n\nIf this is a new Worker, run `wrangler deploy` first to create it.',
      )
    process.stdout.write(
      JSON.stringify(Object.keys(state.secrets).map((name) => ({ name, type: 'secret_text' }))),
    )
  },
  async 'secret bulk'() {
    requireLogin()
    requireTopLevel()
    const text = await readStdin()
    if (text.trim() === '') return process.stderr.write('🚨 No content found in file, or piped input.\n')
    const given = JSON.parse(text)
    const unknown = Object.entries(given).find(
      ([name, value]) => !/^[A-Z_]+$/.test(name) || typeof value !== 'string',
    )
    if (unknown) refuse(`The value for "${unknown[0]}" is not null or a string.`)
    state.secrets = { ...state.secrets, ...given }
    process.stdout.write(`✨ ${Object.keys(given).length} secrets successfully created\n`)
  },
  deploy() {
    requireLogin()
    requireTopLevel()
    const config = readFileSync('wrangler.toml', 'utf8')
    if (config.includes('"auth.example.com"'))
      refuse('The zone example.com is not of this account. [code: 10082]')
    const [, list = ''] = /\[secrets\]\s*required = \[([^\]]*)\]/.exec(config) ?? []
    const lacking = [...list.matchAll(/"([A-Z_]+)"/g)]
      .map(([, name]) => name)
      .filter((name) => !(name in (state.secrets ?? {})))
    if (lacking.length > 0) refuse(`The following required secrets have not been set: ${lacking.join(', ')}`)
    const queues = [...config.split('[env.')[0].matchAll(/queue = "([a-z-]+)"/g)].map(([, name]) => name)
    const absent = queues.find((name) => !state.queues.includes(name))
    if (absent)
      refuse(`Queue "${absent}" does not exist. To create it, run: wrangler queues create ${absent}`)
    state.deployed += 1
    process.stdout.write('Deployed latchkey triggers\n')
  },
}

const command = COMMANDS[args.slice(0, 2).join(' ')] ?? COMMANDS[args[0]]
if (!command) refuse(`Unknown argument: ${args[0]}`)
await command()
save()

// `npm run setup` is killed once after each change that it asked for.
const CHANGES = [COMMANDS['queues create'], COMMANDS['secret bulk'], COMMANDS.deploy]
const name = args.slice(0, 2).join(' ')
if (state.stops && CHANGES.includes(command) && !state.stops.includes(name)) {
  state.stops.push(name)
  save()
  process.kill(process.ppid, 'SIGKILL')
}
