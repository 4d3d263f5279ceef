/** A tenant's logo, as an operator has it: a file. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import * as v from 'valibot'
import { type Logo, LogoText, logoOf } from '../src/tenants/logo.ts'
import type { TenantSettings } from '../src/tenants/tenants.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
}

/**
 * @param file its name says its type; an empty one takes the logo away (null)
 * @throws says what a logo is
 */
export async function readLogo(file: string): Promise<Logo | null> {
  if (file === '') return null
  const type = TYPES[path.extname(file).toLowerCase()]
  const dataUrl = `data:${type};base64,${(await readFile(file)).toString('base64')}`
  if (v.safeParse(LogoText, dataUrl).success) return logoOf(dataUrl)
  throw new Error(
    `${file} is no logo: a .png, .jpg, .webp or .gif that is what its name says, of at most 24 KB; an SVG may carry scripts, and is not taken`,
  )
}

/** The settings with its version, which is what pages ask for. */
export function withLogo(settings: TenantSettings, logo: Logo | null | undefined): TenantSettings {
  if (logo === undefined) return settings
  const { logo: _, ...others } = settings
  return logo === null ? others : { ...others, logo: logo.version }
}
