/**
 * A tenant's logo: a small picture, given as a data URL and kept with the tenant, so that no page fetches anything from elsewhere.
 * Pixels alone: SVG is a document that may carry scripts and lead to other addresses, and is refused.
 */
import * as v from 'valibot'
import { fromBase64, toBase64Url } from '../crypto/base64.ts'

/** In characters of the data URL: about 24 KiB of picture. */
export const MAX_LOGO_LENGTH = 32 * 1024
/** What brings one in has other fields, too, and a form of several parts what is between them. */
export const LOGO_BODY_BYTES = 40 * 1024

/** Whether the first twelve bytes are those of a type; a type that is merely claimed is none. */
const BEGINNINGS = {
  'image/png': (start) => start.startsWith('\x89PNG\r\n\x1a\n'),
  'image/jpeg': (start) => start.startsWith('\xff\xd8\xff'),
  'image/webp': (start) => start.startsWith('RIFF') && start.endsWith('WEBP'),
  'image/gif': (start) => /^GIF8[79]a/.test(start),
} as const satisfies Record<string, (start: string) => boolean>
export type LogoType = keyof typeof BEGINNINGS
export const LOGO_TYPES = Object.keys(BEGINNINGS) as LogoType[] // Object.keys forgets the type

export type Picture = { type: LogoType; bytes: Uint8Array }

/** Null for what is no picture of a type that we take. */
export function readPicture(dataUrl: string): Picture | null {
  const [, type = '', base64 = ''] = /^data:([a-z/]+);base64,([A-Za-z0-9+/]+)={0,2}$/.exec(dataUrl) ?? []
  const bytes = fromBase64(base64)
  if (!isLogoType(type) || bytes === null) return null
  const start = String.fromCharCode(...bytes.subarray(0, 12))
  return BEGINNINGS[type](start) ? { type, bytes } : null
}

const isLogoType = (type: string): type is LogoType => Object.hasOwn(BEGINNINGS, type)

/** `data:image/png;base64,…` */
export const LogoText = v.pipe(
  v.string(),
  v.maxLength(MAX_LOGO_LENGTH, 'too_large'),
  v.check((text) => readPicture(text) !== null, 'not_an_image'),
)

/** What the table holds of one, and the version by which pages ask for it: another picture has another address. */
export type Logo = { dataUrl: string; version: string }

export async function logoOf(dataUrl: string): Promise<Logo> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(dataUrl))
  return { dataUrl, version: toBase64Url(new Uint8Array(digest)) }
}

/** As the setting `logo` has it. */
export const LOGO_VERSION = /^[A-Za-z0-9_-]{43}$/

export const logoPath = (version: string): string => `/logo/${version}`
