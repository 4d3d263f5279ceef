/** `Content-Type` as RFC 9110 §8.3.1 writes it, for bodies of JSON and of forms. */
import { describe, expect, test } from 'vitest'
import { isOfType } from '../../src/http/media-type.ts'

const isJson = (type: string) => isOfType(new Headers({ 'content-type': type }), 'application/json')

describe('clients 11: application/json', () => {
  test.each([
    'application/json',
    'Application/JSON',
    'APPLICATION/JSON;CHARSET=UTF-8',
    'application/json;charset=utf-8',
    'application/json; charset="utf-8"',
    'application/json; Charset="UTF-8"',
    'application/json; charset=utf8',
    'application/json \t;\t charset=utf-8',
    'application/json ; ; charset=utf-8 ;',
    'application/json;',
    'application/json; charset="ut\\f-8"',
    ' application/json ',
    'application/json;charset=utf-8;charset=UTF-8',
  ])('is %j', (type) => {
    expect(isJson(type)).toBe(true)
  })

  test.each([
    '',
    'application',
    'application/',
    '/json',
    'application /json',
    'application/ json',
    'application/jsonp',
    'application/problem+json',
    'text/json',
    'text/plain;application/json',
    'text/plain; charset="application/json"',
    'application/json, application/json',
    'application/json, text/plain',
    'application/json text/plain',
    'application/json; text/plain',
    'application/json; charset',
    'application/json; charset=',
    'application/json; charset =utf-8',
    'application/json; charset= utf-8',
    'application/json; charset="utf-8',
    'application/json; charset=utf-8"',
    'application/json; charset="utf-8"x',
    'application/json; charset=""',
    "application/json; charset='utf-8'",
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    'application/json; charset=utf-8; charset=utf-16',
    'application/json; boundary=x',
    'application/json; x=1',
    'application/json\u00a0; charset=utf-8',
  ])('is not %j', (type) => {
    expect(isJson(type)).toBe(false)
  })

  test('is not what names no type', () => {
    expect(isOfType(new Headers(), 'application/json')).toBe(false)
  })

  test('is told of 100,000 blanks, semicolons or quotes as fast as they are read', { timeout: 2_000 }, () => {
    for (const part of [' ', ';', ' ;', '; ', '"', '\\', ';a="', '; charset=utf-8'])
      for (const end of ['', 'x', ' x', ';"'])
        expect(typeof isJson(`application/json${part.repeat(100_000 / part.length)}${end}`)).toBe('boolean')
  })
})
