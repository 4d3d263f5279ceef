/** The special ranges of IANA's registries, each as a property: no address in it is public, however it is written. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAddressLiteral, isPublicAddress } from '../../src/http/public-address.ts'

const SPECIAL_IPV4 = {
  '0.0.0.0/8': 'this network',
  '10.0.0.0/8': 'private',
  '100.64.0.0/10': 'carrier-grade NAT',
  '127.0.0.0/8': 'loopback',
  '169.254.0.0/16': 'link-local, and the metadata services',
  '172.16.0.0/12': 'private',
  '192.0.0.0/24': 'IETF protocol assignments',
  '192.0.2.0/24': 'documentation',
  '192.31.196.0/24': 'AS112',
  '192.52.193.0/24': 'AMT',
  '192.88.99.0/24': '6to4 relays',
  '192.168.0.0/16': 'private',
  '192.175.48.0/24': 'AS112',
  '198.18.0.0/15': 'benchmarking',
  '198.51.100.0/24': 'documentation',
  '203.0.113.0/24': 'documentation',
  '224.0.0.0/4': 'multicast',
  '240.0.0.0/4': 'reserved, and broadcast',
}

/** The first groups of each, and how many bits of them count. */
const SPECIAL_IPV6: [groups: number[], bits: number, what: string][] = [
  [[0, 0, 0, 0, 0, 0], 96, 'IPv4-compatible, loopback and unspecified'],
  [[0, 0, 0, 0, 0, 0xffff], 96, 'IPv4-mapped'],
  [[0, 0, 0, 0, 0xffff, 0], 96, 'IPv4-translated'],
  [[0x64, 0xff9b, 0, 0, 0, 0], 96, 'NAT64'],
  [[0x64, 0xff9b, 1], 48, 'NAT64 of a network'],
  [[0x100, 0, 0, 0], 64, 'discard'],
  [[0x100, 0, 0, 1], 64, 'dummy prefix'],
  [[0x2001, 0], 32, 'Teredo'],
  [[0x2001, 0], 23, 'IETF protocol assignments'],
  [[0x2001, 2, 0], 48, 'benchmarking'],
  [[0x2001, 0x10], 28, 'ORCHID'],
  [[0x2001, 0x20], 28, 'ORCHIDv2'],
  [[0x2001, 0xdb8], 32, 'documentation'],
  [[0x2002], 16, '6to4'],
  [[0x2620, 0x4f, 0x8000], 48, 'AS112'],
  [[0x3fff, 0], 20, 'documentation'],
  [[0x5f00], 16, 'segment routing'],
  [[0xfc00], 7, 'unique local'],
  [[0xfe80], 10, 'link-local'],
  [[0xfec0], 10, 'site-local'],
  [[0xff00], 8, 'multicast'],
]

/** Values of `total` bits that begin with `bits` bits of `base`. */
const within = (base: bigint, bits: number, total: number) =>
  fc.bigInt({ min: 0n, max: 2n ** BigInt(total - bits) - 1n }).map((rest) => {
    const free = BigInt(total - bits)
    return ((base >> free) << free) | rest
  })

const ipv4 = (value: bigint) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
const ipv6 = (value: bigint) =>
  Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16)).join(
    ':',
  )
/** The shortest spelling (RFC 5952), as the platform writes it. */
const short = (address: string) => new URL(`http://[${address}]`).hostname.slice(1, -1)
const dotted = (value: bigint) =>
  `${ipv6(value).split(':').slice(0, 6).join(':')}:${ipv4(value & 0xffffffffn)}`

const numberOf = (groups: number[], bitsPerGroup: bigint, count: number) =>
  Array.from({ length: count }, (_, index) => BigInt(groups[index] ?? 0)).reduce(
    (value, group) => (value << bitsPerGroup) | group,
    0n,
  )

describe('no address is public that is', () => {
  test.each(Object.entries(SPECIAL_IPV4))('of %s: %s', (prefix) => {
    const [address = '', bits] = prefix.split('/')
    const base = numberOf(address.split('.').map(Number), 8n, 4)
    fc.assert(
      fc.property(within(base, Number(bits), 32), (value) => {
        expect(isPublicAddress(ipv4(value))).toBe(false)
      }),
    )
    expect(isPublicAddress(address)).toBe(false)
    expect(isPublicAddress(ipv4(base | (2n ** BigInt(32 - Number(bits)) - 1n)))).toBe(false)
  })

  test.each(SPECIAL_IPV6.map(([groups, bits, what]) => [what, bits, groups] as const))(
    'IPv6 for %s, of the first %i bits',
    (_, bits, groups) => {
      const base = numberOf([...groups], 16n, 8)
      fc.assert(
        fc.property(within(base, bits, 128), (value) => {
          for (const text of [ipv6(value), short(ipv6(value)), dotted(value), ipv6(value).toUpperCase()])
            expect(isPublicAddress(text), text).toBe(false)
        }),
      )
    },
  )

  test('IPv6 outside what IANA has given out', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (value) => {
        fc.pre(value >> 125n !== 1n)
        expect(isPublicAddress(ipv6(value))).toBe(false)
      }),
    )
  })

  test.each([
    ...[
      '',
      ' ',
      '1',
      '127.1',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.256',
      '01.2.3.4',
      '0x1.2.3.4',
      '16909060',
      '1.1.1.1 ',
    ],
    ...[
      ' 1.1.1.1',
      '1.1.1.1\n',
      '1.1.1.1/32',
      '[2606:4700::1]',
      '2606:4700::1%eth0',
      '2606:4700::1/64',
      '::',
      ':::',
    ],
    ...['2606:4700::1 ', 'localhost', 'undefined', '[object Object]', '１.1.1.1', '1。1。1。1'],
  ])('%j, which is no address as DNS writes it', (text) => {
    expect(isPublicAddress(text)).toBe(false)
  })
})

test.each([
  ...['1.1.1.1', '8.8.8.8', '93.184.215.14', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0'],
  ...[
    '192.0.1.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '9.255.255.255',
    '11.0.0.0',
    '126.255.255.255',
  ],
  ...['2606:4700:4700::1111', '2001:4860:4860::8888', '2A00:1450:4001:800::200e', '2003::1', '3ffe::1'],
])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

test('whatever a URL makes of an address is a literal, and no name is one', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), (value) => {
      const spellings = [ipv4(value), String(value), `0x${value.toString(16)}`, `0${value.toString(8)}`]
      for (const spelling of spellings)
        expect(isAddressLiteral(new URL(`https://${spelling}/`).hostname), spelling).toBe(true)
    }),
  )
  for (const name of ['customer.net', '1.customer.net', 'xn--bcher-kva.net', 'a-1.net', '0x7f.net'])
    expect(isAddressLiteral(new URL(`https://${name}/`).hostname), name).toBe(false)
})
