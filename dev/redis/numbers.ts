/**
 * Redis's reading and writing of numbers: 64-bit integers and C doubles. Refuses what Redis 7.0 refuses, with its words.
 */
import { refuse } from './reply.ts'

export const MAX_INT64 = 2n ** 63n - 1n
export const MIN_INT64 = -(2n ** 63n)

const NOT_AN_INTEGER = 'ERR value is not an integer or out of range'

/** @returns undefined when it is not written exactly as Redis would write a 64-bit integer */
export function parseInt64(value: string): bigint | undefined {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(value)) return undefined
  const number = BigInt(value)
  return number <= MAX_INT64 && number >= MIN_INT64 ? number : undefined
}

export function requireInt64(value: string, message: string = NOT_AN_INTEGER): bigint {
  return parseInt64(value) ?? refuse(message)
}

/** For indexes and counts: beyond 2^53 the nearest double does as well. */
export function requireInteger(value: string, message?: string): number {
  return Number(requireInt64(value, message))
}

export function addInt64(value: bigint, increment: bigint): bigint {
  const sum = value + increment
  return sum > MAX_INT64 || sum < MIN_INT64 ? refuse('ERR increment or decrement would overflow') : sum
}

/** @returns undefined when C's strtod would not have read all of it, or when it overflows or is not a number */
export function parseDouble(value: string): number | undefined {
  const match =
    /^([+-]?)(?:(inf(?:inity)?)|0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?\d+))?|((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?))$/i.exec(
      value,
    )
  if (!match) return undefined
  const [, sign, infinity, hexWhole = '', hexFraction = '', exponent = '0', decimal] = match
  const negate = sign === '-' ? -1 : 1
  if (infinity !== undefined) return negate * Number.POSITIVE_INFINITY
  if (decimal === undefined) {
    if (hexWhole + hexFraction === '') return undefined
    const mantissa = Number(`0x${hexWhole}${hexFraction}`)
    return negate * mantissa * 2 ** (Number(exponent) - 4 * hexFraction.length)
  }
  const magnitude = Number(decimal)
  const underflowed = magnitude === 0 && /[1-9]/.test(decimal.split(/e/i)[0] ?? '')
  return Number.isFinite(magnitude) && !underflowed ? negate * magnitude : undefined
}

export function requireDouble(value: string, message = 'ERR value is not a valid float'): number {
  return parseDouble(value) ?? refuse(message)
}

/** C's `%.17g`, which is how Redis 7.0 answers scores and how its Lua passes numbers to commands. */
export function formatDouble(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa = '', exponentText = '0'] = value.toExponential(16).split('e')
  const exponent = Number(exponentText)
  const dropZeros = (digits: string) => (digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits)
  if (exponent >= -4 && exponent < 17) return dropZeros(value.toFixed(Math.min(100, 16 - exponent)))
  const sign = exponent < 0 ? '-' : '+'
  return `${dropZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`
}
