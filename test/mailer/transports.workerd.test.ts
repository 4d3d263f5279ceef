/** Cloudflare's Email binding: what its errors mean for a mail. In workerd, where the binding is an object of the Worker. */
import { afterEach, expect, test, vi } from 'vitest'
import type { EmailBinding } from '../../src/bindings.ts'
import { type Mail, sendByBinding } from '../../src/mailer/transports.ts'

type Message = Parameters<EmailBinding['send']>[0]

const MAIL: Mail = {
  to: 'ada@mail.example.net',
  senderName: 'Acme',
  subject: 'Subject',
  text: 'Text',
  html: '<p>HTML</p>',
  headers: { 'Auto-Submitted': 'auto-generated', 'X-Entity-Ref-ID': '0199aaaa-0000-7000-8000-000000000001' },
  idempotencyKey: 'event.user',
}

/** The headers that the platform takes besides its own; every other is refused (Email Service reference, headers). */
const ALLOWED =
  /^(Auto-Submitted|Content-Language|In-Reply-To|References|List-[A-Za-z-]+|X-[A-Za-z0-9_-]{1,98})$/

/** Refuses what the platform refuses, with its codes. */
function fakeBinding(failure?: string) {
  const sent: Message[] = []
  const fail = (code: string) => Object.assign(new Error(`${code}: said of ada@mail.example.net`), { code })
  const binding: EmailBinding = {
    send: async (message) => {
      if (failure) throw fail(failure)
      const { to, from, subject, text, html, headers, ...more } = message
      if (Object.keys(more).length > 0) throw fail('E_VALIDATION_ERROR')
      if (![to, from.email].every((one) => /^[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+$/.test(one)))
        throw fail('E_VALIDATION_ERROR')
      if (!subject || !text || !html) throw fail('E_FIELD_MISSING')
      for (const [name, value] of Object.entries(headers)) {
        if (!ALLOWED.test(name)) throw fail('E_HEADER_NOT_ALLOWED')
        if (value === '' || /[\r\n]/.test(value)) throw fail('E_HEADER_VALUE_INVALID')
      }
      sent.push(message)
      return { messageId: 'x' }
    },
  }
  return { binding, sent }
}

const FROM = 'no-reply@mail.example.net'

afterEach(() => void vi.useRealTimers())

test('sends both parts, from the deployment’s address under the tenant’s name', async () => {
  const { binding, sent } = fakeBinding()
  expect(await sendByBinding(binding, FROM, MAIL)).toEqual({ is: 'sent' })
  const { idempotencyKey: _, senderName: __, ...message } = MAIL
  expect(sent).toEqual([{ ...message, from: { email: FROM, name: 'Acme' } }])
})

test.each([
  ['E_RATE_LIMIT_EXCEEDED', 'retry', 'rate_limited'],
  ['E_DAILY_LIMIT_EXCEEDED', 'retry', 'rate_limited'],
  ['E_DELIVERY_FAILED', 'retry', 'unavailable'],
  ['E_INTERNAL_SERVER_ERROR', 'retry', 'unavailable'],
  // For the operator to put right meanwhile.
  ['E_SENDER_NOT_VERIFIED', 'retry', 'unavailable'],
  ['E_SENDER_DOMAIN_NOT_AVAILABLE', 'retry', 'unavailable'],
  ['E_SOMETHING_NEW', 'retry', 'unavailable'],
  ['E_RECIPIENT_SUPPRESSED', 'refused', 'suppressed'],
  ['E_RECIPIENT_NOT_ALLOWED', 'refused', 'not_acceptable'],
  ['E_VALIDATION_ERROR', 'refused', 'not_acceptable'],
  ['E_FIELD_MISSING', 'refused', 'not_acceptable'],
  ['E_CONTENT_TOO_LARGE', 'refused', 'not_acceptable'],
  ['E_HEADER_NOT_ALLOWED', 'refused', 'not_acceptable'],
  ['E_HEADERS_TOO_LARGE', 'refused', 'not_acceptable'],
])('%s is to %s', async (code, is, reason) => {
  expect(await sendByBinding(fakeBinding(code).binding, FROM, MAIL)).toEqual({ is, reason })
})

test('an error without a code, or no error at all, is to retry', async () => {
  for (const thrown of [new Error('network'), 'text', null])
    expect(await sendByBinding({ send: () => Promise.reject(thrown) }, FROM, MAIL)).toEqual({
      is: 'retry',
      reason: 'unavailable',
    })
})

test('a deployment without the binding keeps its mail', async () => {
  expect(await sendByBinding(undefined, FROM, MAIL)).toEqual({ is: 'retry', reason: 'no_binding' })
})

test('a call that never ends costs ten seconds', async () => {
  vi.useFakeTimers()
  const outcome = sendByBinding({ send: () => new Promise(() => {}) }, FROM, MAIL)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await outcome).toEqual({ is: 'retry', reason: 'timeout' })
})
