/** Every kind of provider, by the name that a row has for it. A new kind is a file here and a line. */
import { apple } from './apple.ts'
import { facebook } from './facebook.ts'
import { github } from './github.ts'
import { google } from './google.ts'
import type { Kind } from './kind.ts'
import { microsoft } from './microsoft.ts'
import { oidc } from './oidc.ts'

export const KINDS = { oidc, google, microsoft, apple, github, facebook } as const satisfies Record<
  string,
  Kind
>
export type KindName = keyof typeof KINDS
export const KIND_NAMES = Object.keys(KINDS) as KindName[] // exactly the keys of the line above
export const kindOf = (name: KindName): Kind => KINDS[name]
