/** Pictures to be logos, and a logo that a tenant has, made in a moment. */
import { crc32, deflateSync } from 'node:zlib'
import { logoOf } from '../../src/tenants/logo.ts'
import type { Service, TestTenant } from './service.ts'

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/** A PNG (RFC 2083) of one colour, with a band of another in it. */
export function png(width = 240, height = 80): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2], 8) // eight bits of red, green and blue
  const rows = Array.from({ length: height }, (_, y) =>
    Buffer.from([
      0,
      ...Array.from({ length: width }, (_, x) => (x > y && x < 2 * y ? [255, 170, 0] : [26, 79, 208])).flat(),
    ]),
  )
  const chunks = [
    ['IHDR', header],
    ['IDAT', deflateSync(Buffer.concat(rows))],
    ['IEND', Buffer.alloc(0)],
  ] as const
  return Buffer.concat([SIGNATURE, ...chunks.map(([type, data]) => chunk(type, data))])
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  checksum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, checksum])
}

export const dataUrlOf = (bytes: Uint8Array, type = 'image/png') =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`

export async function plantLogo({ sql }: Pick<Service, 'sql'>, { id }: TestTenant): Promise<string> {
  const { dataUrl, version } = await logoOf(dataUrlOf(png()))
  await sql(
    `update tenants set logo = $2, settings = settings || jsonb_build_object('logo', $3::text) where id = $1`,
    [id, dataUrl, version],
  )
  return version
}
