/**
 * The life of a signing key: `next` is published before it signs, `current` signs, `retired` stays in the JWKS until
 * the last token it signed is dead. A partial unique index allows one current and one next key, also under concurrent rotations.
 * What SIGNING_SEAL_KEYS does not open cannot sign: a step replaces it, whatever else is due.
 */
import type { Context } from '../context.ts'
import { generateSigningKey, type SigningAlgorithm } from '../crypto/signing.ts'
import { findSigningKeys, type SigningKeyRow, type Step, type StepTaken, takeStep } from './rotation-store.ts'
import { openSigningKeyRow, sealSigningKey, type UnopenableKey } from './sealed-key.ts'
import { JWKS_STALE_SECONDS } from './staleness.ts'

type KeyContext = Pick<Context, 'db' | 'settings' | 'now' | 'random'>

export type Rotated = {
  outcome: 'first_key' | 'published' | 'rotated' | 'replaced' | 'too_early'
  /** The keys that this step ended because they do not open. */
  unopenable: UnopenableKey[]
  /** The key that came to sign, and for how long verifiers with an older JWKS may refuse its tokens. */
  signs: { kid: string; refusedSeconds: number } | null
}

/**
 * Takes the next step and only that: makes the first key; publishes a `next` one; or lets a `next` one that has been
 * published long enough sign, and publishes its successor. Keys that do not open are replaced in the same step: `next`
 * signs at once, or a key that no one has seen yet, and a successor is published.
 * @param options.immediately skips the wait, for a key that must be replaced now
 * @param options.currentDays how long the current key signs before it is replaced; 0 unless given
 */
export async function rotateSigningKeys(
  ctx: KeyContext,
  {
    algorithm,
    immediately = false,
    currentDays = 0,
  }: { algorithm: SigningAlgorithm; immediately?: boolean; currentDays?: number },
): Promise<Rotated> {
  const keys = await findSigningKeys(ctx)
  const { unopenable, taken } = await step(ctx, keys, {
    algorithm,
    revoked: [],
    schedule: { immediately, currentDays },
  })
  const replaced = unopenable.filter(({ kid }) => taken.ended.includes(kid))
  return { outcome: outcomeOf(taken, replaced.length > 0), unopenable: replaced, signs: signsNow(taken) }
}

export type Revoked = Pick<Rotated, 'signs'> & {
  /** Those of the given kids that count for nothing since this call. */
  ended: string[]
  unknown: string[]
}

/**
 * Ends keys at once, whatever their state: no token of theirs is accepted here, and the JWKS is without them. A key
 * that can sign takes the place of the current one in the same step, and sessions go on with their refresh tokens.
 * Nothing is done when a kid is not known.
 * @param algorithm of the keys that are made; that of the current key unless given
 */
export async function revokeSigningKeys(
  ctx: KeyContext,
  kids: string[],
  algorithm?: SigningAlgorithm,
): Promise<Revoked> {
  const keys = await findSigningKeys(ctx)
  const unknown = kids.filter((kid) => !keys.some((key) => key.kid === kid))
  if (unknown.length > 0) return { ended: [], unknown, signs: null }
  const { taken } = await step(ctx, keys, {
    algorithm: algorithm ?? keys[0]?.algorithm ?? 'EdDSA',
    revoked: kids,
    schedule: null,
  })
  return { ended: taken.ended.filter((kid) => kids.includes(kid)), unknown, signs: signsNow(taken) }
}

type Wanted = Pick<Step, 'revoked' | 'schedule'> & { algorithm: SigningAlgorithm }

/** Opens what may have to sign, and takes the step that follows. */
async function step(ctx: KeyContext, keys: SigningKeyRow[], { algorithm, ...wanted }: Wanted) {
  const opened: string[] = []
  const unopenable: (UnopenableKey & { sealed: string })[] = []
  for (const row of keys.filter(({ state }) => state !== 'retired')) {
    const key = await openSigningKeyRow(ctx, row)
    if ('reason' in key) unopenable.push({ ...key, sealed: row.sealedPrivateJwk })
    else opened.push(row.sealedPrivateJwk)
  }
  const taken = await takeStep(ctx, {
    ...wanted,
    opened,
    unopenable: unopenable.map(({ sealed }) => sealed),
    fresh: { current: await newKey(ctx, algorithm), next: await newKey(ctx, algorithm) },
  })
  return { unopenable: unopenable.map(({ sealed: _, ...key }) => key), taken }
}

async function newKey({ settings, now, random }: KeyContext, algorithm: SigningAlgorithm) {
  const key = await generateSigningKey(algorithm, now())
  return { key, sealed: await sealSigningKey(settings.signingSealKeys, key, random) }
}

function outcomeOf({ ended, promoted, made }: StepTaken, isReplaced: boolean): Rotated['outcome'] {
  if (isReplaced) return 'replaced'
  if (promoted) return 'rotated'
  if (made.current && ended.length === 0) return 'first_key'
  return made.next ? 'published' : 'too_early'
}

function signsNow({ promoted, made }: StepTaken): Rotated['signs'] {
  if (promoted)
    return { kid: promoted.kid, refusedSeconds: Math.max(0, JWKS_STALE_SECONDS - promoted.publishedSeconds) }
  return made.current ? { kid: made.current, refusedSeconds: JWKS_STALE_SECONDS } : null
}
