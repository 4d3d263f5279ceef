/** The rules of providers: what a row may be, and what of it is ever shown. The secret is sealed for its row, and in no answer. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { open, seal } from '../crypto/sealing.ts'
import { newId } from '../events/outbox.ts'
import { type Admin, refuseUnless } from '../guard/demands.ts'
import { createOnce } from '../guard/once.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { DisplayName, SLUG, text } from '../http/input.ts'
import { findPublicTarget } from '../http/outbound.ts'
import { Fault, type Refusal, refuse } from '../problem.ts'
import { KIND_NAMES, type KindName, kindOf } from './kinds/kinds.ts'
import { insertProvider, type ProviderRow } from './provider-store.ts'

const Scope = v.pipe(v.string(), v.regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'invalid_scope'))
const Domain = v.pipe(
  text(253),
  v.transform((domain) => domain.toLowerCase()),
  v.regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'invalid_domain'),
)

/** What may be changed later; with `v.partial`. */
const changeable = {
  name: DisplayName,
  client_id: v.pipe(text(500), v.minLength(1, 'too_short')),
  client_secret: v.pipe(text(4000), v.minLength(1, 'too_short')),
  scopes: v.pipe(v.array(Scope), v.maxLength(20, 'too_many')),
  allowed_domains: v.pipe(v.array(Domain), v.maxLength(100, 'too_many')),
  may_register: v.boolean(),
  link_policy: v.picklist(['verified', 'never']),
  trusts_assurance: v.boolean(),
  enabled: v.boolean(),
}

export const ProviderChange = v.pipe(
  v.partial(v.strictObject(changeable)),
  v.check((changes) => Object.keys(changes).length > 0, 'nothing_to_change'),
)

const { name, client_id, client_secret, ...defaulted } = changeable
export const ProviderInput = v.strictObject({
  slug: v.pipe(text(40), v.regex(SLUG, 'invalid_slug')),
  kind: v.picklist(KIND_NAMES, 'unknown_kind'),
  issuer: v.optional(v.pipe(text(500), v.minLength(1, 'too_short'))),
  settings: v.optional(v.record(text(40), text(100))),
  name,
  client_id,
  client_secret,
  ...v.partial(v.strictObject(defaulted)).entries,
})
type ProviderInput = v.InferOutput<typeof ProviderInput>

export const ProviderAnswer = v.object({
  id: v.pipe(v.string(), v.uuid()),
  slug: v.string(),
  kind: v.string(),
  name: v.string(),
  issuer: v.string(),
  client_id: v.string(),
  scopes: v.array(v.string()),
  allowed_domains: v.array(v.string()),
  may_register: v.boolean(),
  link_policy: v.picklist(['verified', 'never']),
  trusts_assurance: v.boolean(),
  enabled: v.boolean(),
  callback_url: v.string(),
  created_at: AnsweredInstant,
  updated_at: AnsweredInstant,
})

/** Where the provider sends a browser back to: what an administrator pastes there, exactly. */
export const callbackUrl = (ctx: Pick<Context, 'origin'>, slug: string) =>
  `${ctx.origin}/v1/oauth/${slug}/callback`

export const presentProvider = (
  ctx: Pick<Context, 'origin'>,
  row: ProviderRow,
): v.InferOutput<typeof ProviderAnswer> => ({
  id: row.id,
  slug: row.slug,
  kind: row.kind,
  name: row.name,
  issuer: row.issuer,
  client_id: row.clientId,
  scopes: row.scopes,
  allowed_domains: row.allowedDomains,
  may_register: row.mayRegister,
  link_policy: row.linkPolicy,
  trusts_assurance: row.trustsAssurance,
  enabled: row.enabled,
  callback_url: callbackUrl(ctx, row.slug),
  created_at: instant(row.createdAt),
  updated_at: instant(row.updatedAt),
})

/**
 * @param idempotencyKey a repeat gets the first answer, for 24 hours
 * @returns refusals of `createOnce`, `invalid_input`, `provider_exists`, `too_many_providers`
 */
export async function addProvider(
  ctx: Context,
  caller: Admin,
  input: ProviderInput,
  idempotencyKey: string | null,
): Promise<Response | Refusal> {
  const issuer = input.issuer ?? kindOf(input.kind).issuer
  if (issuer === undefined) return refuseField('/issuer', 'missing')
  const made = { ...newRow(ctx, input), issuer }
  const creation = {
    operation: 'createProvider',
    idempotencyKey,
    request: JSON.stringify(input),
    response: Response.json(presentProvider(ctx, made), { status: 201 }),
  }
  return createOnce(ctx, caller, creation, async (kept) => {
    const refusedKind = await refuseKind(ctx, input, issuer)
    if (refusedKind) return refusedKind
    const sealedSecret = await sealSecret(ctx, made.id, input.client_secret)
    const outcome = await insertProvider(ctx, caller, { ...made, sealedSecret }, kept)
    if (outcome === 'idempotency_key_in_use') return outcome
    const refused = refuseUnless(outcome, caller)
    if (refused) return refused
    if (!outcome.hasRoom) return refuse('too_many_providers')
    return outcome.found ? outcome : refuse('provider_exists')
  })
}

function newRow(ctx: Pick<Context, 'now' | 'random'>, input: ProviderInput): Omit<ProviderRow, 'issuer'> {
  const now = ctx.now()
  return {
    id: newId(ctx),
    slug: input.slug,
    kind: input.kind,
    name: input.name,
    clientId: input.client_id,
    settings: input.settings ?? {},
    scopes: input.scopes ?? [...kindOf(input.kind).scopes],
    allowedDomains: input.allowed_domains ?? [],
    mayRegister: input.may_register ?? true,
    linkPolicy: input.link_policy ?? 'verified',
    trustsAssurance: input.trusts_assurance ?? false,
    enabled: input.enabled ?? true,
    createdAt: now,
    updatedAt: now,
  }
}

/** Whether the kind has what it needs, and the issuer leads where we may call. */
async function refuseKind(
  ctx: Pick<Context, 'settings'>,
  { kind: name, settings = {} }: ProviderInput,
  issuer: string,
): Promise<Refusal | null> {
  const kind = kindOf(name)
  const isFixed = kind.issuer !== undefined && name !== 'github'
  if (isFixed && issuer !== kind.issuer) return refuseField('/issuer', 'not_of_this_kind')
  const target = await findPublicTarget(ctx, issuer)
  if (typeof target === 'string') return refuseField('/issuer', target)
  if (target.search !== '') return refuseField('/issuer', 'not_an_issuer')
  const needed = Object.entries(kind.settings ?? {})
  const wrong = needed.find(([key, pattern]) => !pattern.test(settings[key] ?? ''))
  if (wrong) return refuseField(`/settings/${wrong[0]}`, 'not_valid')
  const unknown = Object.keys(settings).find((key) => !needed.some(([known]) => known === key))
  return unknown === undefined ? null : refuseField('/settings', 'unknown_member')
}

const refuseField = (pointer: string, code: string): Refusal =>
  refuse('invalid_input', { errors: [{ pointer, code }] })

export const sealSecret = (
  { settings, random }: Pick<Context, 'settings' | 'random'>,
  providerId: string,
  secret: string,
): Promise<string> =>
  seal(settings.authKeys, 'seal:provider', new TextEncoder().encode(secret), providerId, random)

/** @throws Fault when it does not open: it was changed, or belongs to another provider */
export async function openSecret(
  { settings }: Pick<Context, 'settings'>,
  { id, sealedSecret }: { id: string; sealedSecret: string },
): Promise<string> {
  const opened = await open(settings.authKeys, 'seal:provider', sealedSecret, id)
  if (opened === null) throw new Fault('internal_error', `the secret of provider ${id} does not open`)
  return new TextDecoder().decode(opened)
}

/** What `providers.kind` holds is one of these; a row of a release that knew more is not served. */
export const isKind = (kind: string): kind is KindName => KIND_NAMES.some((name) => name === kind)
