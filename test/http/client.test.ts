/** Who is calling: the network that limits count, the truncated address that is stored, the device that is shown. */
import { describe, expect, test } from 'vitest'
import { parseAddress, readClient } from '../../src/http/client.ts'

/** Header values as the runtime hands them out: any text, while `Headers` of Node takes Latin-1 alone. */
function requestWith(headers: Record<string, string>, cf?: Record<string, unknown>): Request {
  return { headers: { get: (name: string) => headers[name] ?? null }, cf } as unknown as Request
}

const networkOf = (address: string) => readClient(requestWith({ 'cf-connecting-ip': address })).network
const storedOf = (address: string) =>
  readClient(requestWith({ 'cf-connecting-ip': address })).truncatedAddress

describe('addresses', () => {
  test.each([
    ['203.0.113.77', '203.0.113.77/32', '203.0.113.0/24'],
    ['0.0.0.0', '0.0.0.0/32', '0.0.0.0/24'],
    ['255.255.255.255', '255.255.255.255/32', '255.255.255.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['2001:0db8:0001:0002:0000:0000:0000:0001', '2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8:0:0::/64', '2001:db8:0::/48'],
    ['::1', '0:0:0:0::/64', '0:0:0::/48'],
    ['::', '0:0:0:0::/64', '0:0:0::/48'],
    ['fe80::1', 'fe80:0:0:0::/64', 'fe80:0:0::/48'],
    ['64:ff9b::203.0.113.77', '64:ff9b:0:0::/64', '64:ff9b:0::/48'],
  ])('counts %s as %s and stores %s', (address, network, stored) => {
    expect(networkOf(address)).toBe(network)
    expect(storedOf(address)).toBe(stored)
  })

  test.each([
    '::ffff:203.0.113.77',
    '::FFFF:203.0.113.77',
    '::ffff:cb00:714d',
    '0:0:0:0:0:ffff:203.0.113.77',
    '0000::ffff:CB00:714D',
  ])('takes %s for the IPv4 address that it maps', (address) => {
    expect(networkOf(address)).toBe('203.0.113.77/32')
    expect(storedOf(address)).toBe('203.0.113.0/24')
  })

  test('puts every address of one /64 into one network, and the next /64 into another', () => {
    const networks = new Set(
      Array.from({ length: 1000 }, (_, index) =>
        networkOf(`2001:db8:1:2:${index.toString(16)}::${(index * 7).toString(16)}`),
      ),
    )
    expect([...networks]).toEqual(['2001:db8:1:2::/64'])
    expect(networkOf('2001:db8:1:3::1')).not.toBe(networkOf('2001:db8:1:2::1'))
  })

  test.each([
    ...[
      '',
      ' ',
      'unknown',
      'localhost',
      '1.2.3',
      '1.2.3.4.5',
      '256.1.1.1',
      '1.2.3.-4',
      '1.2.3.4:80',
      '1.2.3.4, 5.6.7.8',
      '0x7f.1',
      '2130706433',
    ],
    ...[
      '[::1]',
      '::1%eth0',
      '1::2::3',
      ':::',
      '::ffff:1.2.3.256',
      '::ffff:1.2.3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '12345::',
      'g::1',
      '2001:db8::/32',
    ],
    ...[
      '::1]/[',
      'a]:b@[::1',
      '::1]@[2001:db8::1',
      '::1]:80/[',
      '::1\n',
      '\t::1',
      '::1#',
      '::1?',
      "'; drop table users;--",
    ],
  ])('counts %j in the one bucket of unknown callers, and stores nothing of it', (address) => {
    expect(parseAddress(address)).toBeNull()
    expect(networkOf(address)).toBe('unknown')
    expect(storedOf(address)).toBeNull()
  })

  test('H01 reads no header that a client can set', () => {
    const headers = {
      'x-forwarded-for': '1.2.3.4',
      forwarded: 'for=1.2.3.4',
      'true-client-ip': '1.2.3.4',
      'x-real-ip': '1.2.3.4',
      'x-client-ip': '1.2.3.4',
    }
    expect(readClient(requestWith(headers))).toMatchObject({ network: 'unknown', truncatedAddress: null })
  })
})

describe('device and place', () => {
  test('keeps at most 512 well-formed characters of a User-Agent, without control characters', () => {
    const read = (userAgent: string) => readClient(requestWith({ 'user-agent': userAgent })).userAgent
    expect(read('Mozilla/5.0\u0000\u001b[31m\u0085\r\nX-Evil: 1')).toBe('Mozilla/5.0[31mX-Evil: 1')
    for (const text of [`${'a'.repeat(511)}\u{1f600}`, '\ud800', `${'a'.repeat(600)}\udc00`]) {
      expect(read(text)?.length).toBeLessThanOrEqual(512)
      expect(read(text)?.isWellFormed()).toBe(true)
    }
    expect(readClient(requestWith({})).userAgent).toBeNull()
  })

  test('takes the place from Cloudflare alone, and only where it is text', () => {
    expect(readClient(requestWith({}, { country: 'AT', city: 'Wien', asOrganization: 'A1' }))).toMatchObject({
      country: 'AT',
      city: 'Wien',
      asnOrg: 'A1',
    })
    const odd = { country: 7, city: '', asOrganization: { toString: () => 'x' } }
    expect(readClient(requestWith({}, odd))).toMatchObject({ country: null, city: null, asnOrg: null })
    const halved = readClient(requestWith({}, { city: `${'a'.repeat(127)}\u{1f600}` })).city
    expect(halved?.isWellFormed()).toBe(true)
    expect(readClient(requestWith({ 'cf-ipcountry': 'XX' }))).toMatchObject({ country: null })
  })
})
