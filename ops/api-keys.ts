/**
 * `DATABASE_URL=… AUTH_KEYS=… npm run api-keys` — the HMAC keys of the system that API keys are imported from (docs/api-keys.md).
 *   npm run api-keys                               their names, and how many keys still need each
 *   npm run api-keys -- add-secret <name> < file   what is in the file, without the end of its line; `--hex` or `--base64` where
 *                                                  it is written so
 *   npm run api-keys -- remove-secret <name>       keys that no one has used since they were imported under it end with it
 * `--tenant <slug>` where there are several, `--json` for programs, `--yes` for what loses something.
 */
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { SecretName } from '../src/api-keys/foreign-key.ts'
import {
  deleteForeignSecret,
  findForeignSecrets,
  insertForeignSecret,
  MAX_SECRETS,
} from '../src/api-keys/foreign-secret-store.ts'
import { sealForeignSecret } from '../src/api-keys/foreign-secrets.ts'
import { newId } from '../src/events/outbox.ts'
import { confirm } from './confirm.ts'
import { createOperatorContext, type OperatorContext, type Output, run } from './context.ts'
import { requireTenantId } from './tenant-of.ts'

const OPTIONS = {
  tenant: { type: 'string' },
  hex: { type: 'boolean' },
  base64: { type: 'boolean' },
  json: { type: 'boolean' },
  yes: { type: 'boolean' },
} as const

const USAGE =
  'npm run api-keys [-- add-secret <name> [--hex | --base64] < file | remove-secret <name>] [--tenant <slug>]'

type Encoding = 'utf8' | 'hex' | 'base64'

/** @throws where it is not written as it is said to be; the text is never repeated */
function bytesOf(written: string, encoding: Encoding): Uint8Array {
  const line = written.replace(/\r?\n$/, '')
  const forms = { utf8: /^./s, hex: /^([0-9a-f]{2})+$/i, base64: /^[A-Za-z0-9+/_-]+={0,2}$/ }
  if (!forms[encoding].test(line)) throw new Error(`the HMAC key on stdin is empty, or not ${encoding}`)
  return Buffer.from(line, encoding)
}

async function add(
  ctx: OperatorContext,
  { tenantId, name }: { tenantId: string; name: string },
  secret: Uint8Array,
  out: Output,
): Promise<void> {
  const id = newId(ctx)
  const sealedSecret = await sealForeignSecret(ctx, id, secret)
  const outcome = await insertForeignSecret(ctx, { id, tenantId, name, sealedSecret })
  if (outcome?.isAdded)
    return out.error(`added ${name}; an import names it: {"hmac_sha256":{"key":"${name}","hash":"…"}}`)
  const lacking = outcome?.ring.lacking ?? []
  if (lacking.length > 0)
    throw new Error(`AUTH_KEYS lacks ${lacking.join(', ')}, which is in use; see npm run keys`)
  if (outcome?.isThere)
    throw new Error(`there is an HMAC key ${name} already; remove it first, or take another name`)
  throw new Error(`a tenant has ${MAX_SECRETS} HMAC keys at most; remove one that no key needs any more`)
}

async function remove(
  ctx: OperatorContext,
  { tenantId, name }: { tenantId: string; name: string },
  isConfirmed: boolean,
  out: Output,
): Promise<void> {
  const found = (await findForeignSecrets(ctx, tenantId)).find((one) => one.name === name)
  if (!found) throw new Error(`there is no HMAC key ${name}`)
  if (found.unused > 0)
    await confirm(`${found.unused} imported keys were not used yet; they end for good.`, isConfirmed)
  await deleteForeignSecret(ctx, tenantId, name)
  out.error(`removed ${name}`)
}

/** @param stdin what the HMAC key is read from */
export async function apiKeysCommand(
  ctx: OperatorContext,
  words: string[],
  out: Output = console,
  stdin: () => Promise<string> = () => text(process.stdin),
): Promise<void> {
  const { values, positionals } = parseArgs({ args: words, options: OPTIONS, allowPositionals: true })
  const [command = 'list', given, ...rest] = positionals
  const tenantId = await requireTenantId(ctx, values.tenant ?? null)
  if (command === 'list') {
    const secrets = await findForeignSecrets(ctx, tenantId)
    if (values.json) return out.log(JSON.stringify(secrets))
    return secrets.length === 0 ? out.error('there is no HMAC key') : out.table(secrets)
  }
  const name = v.safeParse(SecretName, given)
  if (!name.success || rest.length > 0) throw new Error(USAGE)
  const named = { tenantId, name: name.output }
  if (command === 'remove-secret') return remove(ctx, named, values.yes ?? false, out)
  if (command !== 'add-secret') throw new Error(USAGE)
  const encoding = values.hex ? 'hex' : values.base64 ? 'base64' : 'utf8'
  await add(ctx, named, bytesOf(await stdin(), encoding), out)
}

if (import.meta.main)
  await run(() => {
    const words = process.argv.slice(2)
    const needed = words.includes('add-secret')
      ? (['DATABASE_URL', 'AUTH_KEYS'] as const)
      : (['DATABASE_URL'] as const)
    return apiKeysCommand(createOperatorContext(process.env, needed), words)
  })
