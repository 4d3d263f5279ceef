/** The audit log as NDJSON: all of it, a page at a time, and never a part of it that looks like all. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { fillAudit, type ReadEvent, readAll, readAudit, startExport } from '../support/audit.ts'
import { type Client, newClient } from '../support/client.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useService } from '../support/service.ts'
import { expectHeldBack, startUnread } from '../support/unread.ts'

const REQUEST_MS = 3000
const service = useService()
const hurried = useService({
  beside: () => service(),
  bindings: { REQUEST_TIMEOUT_MS: String(REQUEST_MS) },
})

afterEach(async () => {
  service().gates.audit.set('open')
  await service().sql('truncate audit_events') // stopping the service reads all that it kept
})

const ndjson = { headers: { accept: 'application/x-ndjson' } }

async function newOffice(rows: number, padding = 0) {
  const client = await newClient(service())
  const { tokens } = await client.newAdmin()
  await fillAudit(service(), client.tenant, rows, padding)
  return { client, bearer: tokens.access_token }
}

const parse = (text: string): ReadEvent[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

const logged = (message: string) =>
  service()
    .logs()
    .filter((line) => line.includes(`"${message}"`))

test.each([
  'application/x-ndjson',
  'application/x-ndjson;q=0.9, application/json;q=0.1',
  'Application/X-NDJSON, */*;q=0.1',
])('with Accept %s all rows come, oldest first, one JSON object a line', async (accept) => {
  const { client, bearer } = await newOffice(1234)
  const answer = await startExport(service(), client, bearer, { accept })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const rows = parse(await answer.text())
  expect(rows.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 1234 }, (_, n) => 1234 - n))
  const [page] = await readAll(client, bearer, { limit: '100' })
  expect(rows.toReversed().slice(0, 100), 'the same rows as the pages have').toEqual(page)
})

async function exported(client: Client, bearer: string) {
  return parse(await (await startExport(service(), client, bearer)).text())
}

test.each(['application/json', '*/*', 'text/html', 'application/x-ndjson;q=0'])(
  'with Accept %s it is a page of JSON',
  async (accept) => {
    const { client, bearer } = await newOffice(30)
    const { body } = await readAudit(client, bearer, {}, { headers: { accept } })
    expect(body.data).toHaveLength(20)
  },
)

test.each([499, 500, 501, 1000, 0])('%i rows are that many lines', async (count) => {
  const { client, bearer } = await newOffice(count)
  expect(await exported(client, bearer)).toHaveLength(count)
})

test('takes the filters, and no page', async () => {
  const { client, bearer } = await newOffice(2000)
  const answer = await startExport(service(), client, bearer, { query: '?type=webhook.*' })
  expect(parse(await answer.text()).map(({ sequence }) => sequence)).toEqual([2000, 1000])
  for (const name of ['limit', 'cursor'])
    expectInvalidInput(await readAudit(client, bearer, { [name]: '20' }, ndjson), {
      [`/${name}`]: 'not_in_export',
    })
})

test('is for administrators, of their own tenant', async () => {
  const { client, bearer } = await newOffice(3)
  const { tokens } = await client.newAccount()
  expectProblem(await readAudit(client, tokens.access_token, {}, ndjson), 'insufficient_role')
  expectProblem(await client.call('/v1/admin/audit-events', ndjson), 'missing_token')
  const other = await newOffice(5)
  expect(await exported(other.client, other.bearer)).toHaveLength(5)
  expect(await exported(client, bearer)).toHaveLength(3)
})

describe('a stream', () => {
  const isSecondPage = (body: string) => body.includes('(occurred_at, id) >')

  test.each(['refusing', 'cut'] as const)(
    'that loses the database in the middle (%s) is cut, so that no one takes it for all',
    async (mode) => {
      const { client, bearer } = await newOffice(1500)
      service().gates.audit.set(mode, { when: isSecondPage })
      const before = logged('audit export cut').length
      const answer = await startExport(service(), client, bearer)
      expect(answer.status, 'the first page was there').toBe(200)
      await expect(answer.text()).rejects.toThrow()
      await vi.waitFor(() => expect(logged('audit export cut')).toHaveLength(before + 1))
      expect(JSON.parse(logged('audit export cut').at(-1) ?? '')).toMatchObject({ level: 'error', rows: 500 })
    },
  )

  test('may take longer than a request may: each page has the deadline of a job', async () => {
    const { client, bearer } = await newOffice(1500)
    service().gates.audit.set({ delayMs: 1000 })
    const answer = await startExport(hurried(), client, bearer)
    const begun = Date.now()
    expect(parse(await answer.text())).toHaveLength(1500)
    expect(Date.now() - begun).toBeGreaterThan(REQUEST_MS)
  })

  test('ends when its caller goes away: the rest is not read', async () => {
    const { client, bearer } = await newOffice(25_000)
    service().gates.audit.set({ delayMs: 50 })
    const before = logged('audit export aborted by the client').length
    const answer = await startExport(service(), client, bearer)
    const reader = answer.body?.getReader()
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0)
    await reader?.cancel()
    await vi.waitFor(
      () => expect(logged('audit export aborted by the client')).toHaveLength(before + 1),
      10_000,
    )
    const [left] = logged('audit export aborted by the client').slice(-1)
    expect(JSON.parse(left ?? '').rows).toBeLessThan(25_000)
  })

  test('reads no further than its caller does', async () => {
    const { client, bearer } = await newOffice(20_000, 4000) // 80 MB, more than all the buffers on the way hold
    service().gates.audit.set('open')
    const answer = await startUnread(service(), client, '/v1/admin/audit-events', {
      accept: 'application/x-ndjson',
      authorization: `Bearer ${bearer}`,
    })
    await expectHeldBack(service(), answer)
  })

  test('is not begun for HEAD', async () => {
    const { client, bearer } = await newOffice(10)
    service().gates.audit.set('open')
    const { status } = await client.call('/v1/admin/audit-events', { method: 'HEAD', bearer, ...ndjson })
    expect(status).toBe(200)
    expect((await readAudit(client, bearer)).status).toBe(200)
    expect(service().gates.audit.hits(), 'that of the page').toBe(1)
  })
})
