/** No page is a dead end: each says what to do, and has what leads there. */
import { expect, test } from 'vitest'
import { createBrowser, type Opened, PAGES } from '../support/browser.ts'
import { newClient } from '../support/client.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

/** Where its links and forms lead, without what they carry. */
const waysOn = ({ elements }: Opened) =>
  elements.flatMap(({ tag, attributes: { href, action } }) => {
    const to = tag === 'a' ? href : tag === 'form' ? action : undefined
    return to === undefined ? [] : [to.split('?')[0]]
  })

const OVER: Record<(typeof PAGES)[number]['path'], string[]> = {
  '/link/verify-email': ['/link/resend-verification', '/sign-in'],
  '/link/reset-password': ['/link/forgot-password', '/sign-in'],
  '/link/change-email': ['/account/email'],
  '/link/revert-email': ['/link/forgot-password', '/sign-in'],
  '/link/sign-in': ['/link/request-sign-in', '/sign-in'],
  '/link/restore-account': ['/link/forgot-password', '/sign-in'],
  '/link/accept-invitation': ['/link/forgot-password', '/sign-in'],
}

test.each(PAGES)(
  'pages 21: $path with a link that is over leads to a new mail, and to signing in',
  async ({ path }) => {
    const client = await newClient(service())
    const { open } = createBrowser(service(), client.tenant)
    const over = await open(`${path}?token=lko_${'A'.repeat(43)}`)
    expect(over.status).toBe(400)
    expect(waysOn(over)).toEqual(OVER[path])
  },
)

test.each([
  ['verify_email', '/link/verify-email', { new_password: 'new battery staple' }, '/sign-in'],
  ['reset_password', '/link/reset-password', { password: 'new battery staple' }, '/sign-in'],
  ['revert_email', '/link/revert-email', {}, '/link/forgot-password'],
  ['change_email_old', '/link/change-email', {}, '/account'],
] as const)('pages 21: what %s has done leads on', async (purpose, path, typed, to) => {
  const client = await newClient(service())
  const { tokens } = await client.newAccount()
  const { token } = await client.plant(purpose, tokens)
  const { open, post } = createBrowser(service(), client.tenant)
  expect((await open(`${path}?token=${token}`)).status).toBe(200)
  const done = await post(path, { token, ...typed })
  expect(done.status).toBe(200)
  expect(waysOn(done)).toEqual([to])
})

test('pages 21: a form of another page, and what a product may not ask for, say what to do, and lead there', async () => {
  const client = await newClient(service())
  const { open, post } = createBrowser(service(), client.tenant)
  const foreign = await post(
    '/sign-in',
    { email: 'a@b.test', password: 'x' },
    { 'sec-fetch-site': 'cross-site' },
  )
  expect(foreign).toMatchObject({ status: 403 })
  expect(foreign.alert).toBe(
    'This form did not come from this site. Open the page again and fill it in there.',
  )
  expect(waysOn(foreign)).toEqual(['/sign-in'])
  const unlisted = await open('/sign-in?redirect_uri=https://evil.example/')
  expect(unlisted.status).toBe(422)
  expect(unlisted.alert).toContain('Go back to it, and tell the people who run it.')
  expect(waysOn(unlisted)).toEqual(['/sign-in'])
  expect(unlisted.html).not.toContain('evil')
})

test('pages 21: with PostgreSQL away the page says so, and can be asked for again', async () => {
  const client = await newClient(service())
  const { open } = createBrowser(service(), client.tenant)
  service().gates.postgres.set('refusing')
  try {
    const away = await open('/sign-in')
    expect(away).toMatchObject({ status: 503, alert: 'This did not work. Try again in a moment.' })
    expect(waysOn(away)).toEqual(['/sign-in'])
  } finally {
    service().gates.postgres.set('open')
  }
})

test('pages 21: on a host that no tenant has, nothing leads anywhere', async () => {
  const client = await newClient(service())
  await service().sql('delete from tenant_hosts where tenant_id = $1', [client.tenant.id])
  const { open } = createBrowser(service(), client.tenant)
  for (const path of ['/sign-in', '/link/forgot-password']) {
    const page = await open(path)
    expect(page).toMatchObject({ status: 421 })
    expect(waysOn(page)).toEqual([])
  }
})
