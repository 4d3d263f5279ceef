/**
 * Redis's reading and writing of numbers: 64-bit integers and C doubles. Refuses what Redis 7.0 refuses, with its words.
 */
import { refuse } from './reply.ts'

export const MAX_INT64 = 2n ** 63n - 1n
export const MIN_INT64 = -(2n ** 63n)

const NOT_AN_INTEGER = 'ERR value is not an integer or out of range'

/** Refuses what is not written exactly as Redis would write a 64-bit integer. */
export function requireInt64(value: string): bigint {
  const number = /^(0|-?[1-9]\d{0,18})$/.test(value) ? BigInt(value) : MAX_INT64 + 1n
  return number <= MAX_INT64 && number >= MIN_INT64 ? number : refuse(NOT_AN_INTEGER)
}

/** For indexes and counts: beyond 2^53 the nearest double does as well. */
export function requireInteger(value: string): number {
  return Number(requireInt64(value))
}

export function addInt64(value: bigint, increment: bigint): bigint {
  const sum = value + increment
  return sum > MAX_INT64 || sum < MIN_INT64 ? refuse('ERR increment or decrement would overflow') : sum
}

/** A decimal number; C's other ways to write one (hexadecimal, `inf`) are refused here. */
export function requireDouble(value: string): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : Number.NaN
  return Number.isFinite(number) ? number : refuse('ERR value is not a valid float')
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
