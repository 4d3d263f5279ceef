/** What is inserted for an account that moves in, with the secret of its authenticator app sealed. */
import type { Context } from '../context.ts'
import { newId } from '../events/outbox.ts'
import { sealImportedSecret } from '../mfa/imported-secret.ts'
import type { ImportedIdentity, ImportedPasskey } from './import-factors.ts'
import type { NewImport } from './import-users.ts'

type WithId<T> = T & { id: string }

export type SealedImport = Omit<NewImport, 'totpSecret' | 'passkeys' | 'identities'> & {
  totp: { id: string; sealedSecret: string } | null
  passkeys: WithId<ImportedPasskey>[]
  identities: WithId<ImportedIdentity>[]
  has_second_factor: boolean
  /** Of two entries with one passkey or identity, the first keeps it. */
  place: number
}

type Storage = Pick<Context, 'settings' | 'now' | 'random'>

export const sealImports = (ctx: Storage, imports: NewImport[]): Promise<SealedImport[]> =>
  Promise.all(imports.map(async (one, place) => ({ ...(await sealImport(ctx, one)), place })))

async function sealImport(
  ctx: Storage,
  { totpSecret, passkeys, identities, ...user }: NewImport,
): Promise<Omit<SealedImport, 'place'>> {
  const withId = <T>(row: T): WithId<T> => ({ ...row, id: newId(ctx) })
  return {
    ...user,
    totp: totpSecret && (await sealImportedSecret(ctx, totpSecret)),
    passkeys: passkeys.map(withId),
    identities: identities.map(withId),
    has_second_factor: totpSecret !== null || passkeys.some(({ isSecondFactor }) => isSecondFactor),
  }
}
