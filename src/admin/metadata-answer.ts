/** What a product hangs on an account, as those see it who may see all of it. */
import * as v from 'valibot'
import type { StoredMetadata } from './metadata-store.ts'

export const MetadataAnswer = v.object({
  user_id: v.pipe(v.string(), v.uuid()),
  external_id: v.nullable(v.string()),
  public_metadata: v.record(v.string(), v.unknown()),
  private_metadata: v.record(v.string(), v.unknown()),
})

export const presentMetadata = (row: StoredMetadata): v.InferOutput<typeof MetadataAnswer> => ({
  user_id: row.id,
  external_id: row.externalId,
  public_metadata: row.publicMetadata,
  private_metadata: row.privateMetadata,
})
