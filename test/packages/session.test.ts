import { describe, expect, test } from 'vitest'
import type * as Sessions from '../../packages/latchkey/src/session.ts'
import { newClient } from '../support/client.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

/** As `npm ci` made it. */
const BUILT: string = '../../packages/latchkey/dist/session.js'
const { createSession } = (await import(BUILT)) as typeof Sessions

/** A server that keeps a refresh token, of a person who signed in at the running service. */
async function newServer() {
  const client = await newClient(service())
  const { tokens } = await client.newAccount()
  const kept = { token: tokens.refresh_token as string | null, saved: 0 }
  let at = Date.now()
  let asked = 0
  const session = createSession({
    issuer: client.tenant.origin,
    refreshToken: {
      load: async () => kept.token,
      save: async (token) => {
        kept.token = token
        kept.saved += 1
      },
    },
    // The tenant's host is reached at an address of this machine.
    fetch: async (url, { method = 'GET', body }) => {
      asked += 1
      const { pathname } = new URL(url)
      const answer = await client.call<object>(pathname, { method, json: JSON.parse(String(body)) })
      return Response.json(answer.body, { status: answer.status })
    },
    now: () => at,
  })
  return { client, tokens, kept, session, asked: () => asked, pass: (ms: number) => (at += ms) }
}

describe('accepts', () => {
  test('refreshes once, however many ask, and keeps the successor before it gives a token', async () => {
    const { client, kept, session, asked } = await newServer()
    const given = await Promise.all(Array.from({ length: 50 }, () => session.getAccessToken()))
    expect(new Set(given).size).toBe(1)
    expect({ asked: asked(), saved: kept.saved }).toEqual({ asked: 1, saved: 1 })
    expect((await client.me(given[0] ?? '')).status).toBe(200)
  })

  test('uses the tokens of a sign-in, and refreshes half a minute before they expire', async () => {
    const { tokens, session, asked, pass } = await newServer()
    session.use(tokens)
    expect(await session.getAccessToken()).toBe(tokens.access_token)
    pass((tokens.expires_in - 31) * 1000)
    expect(await session.getAccessToken()).toBe(tokens.access_token)
    pass(2000)
    expect(await session.getAccessToken()).not.toBe(tokens.access_token)
    expect(asked()).toBe(1)
  })

  test('asks anew after it was told to forget', async () => {
    const { tokens, session, asked } = await newServer()
    session.use(tokens)
    session.forget()
    expect(await session.getAccessToken()).not.toBe(tokens.access_token)
    expect(asked()).toBe(1)
  })
})

describe('refuses', () => {
  test('gives null when the session has ended, and when no one has signed in', async () => {
    const { client, tokens, kept, session } = await newServer()
    await client.logout(tokens.refresh_token)
    expect(await session.getAccessToken()).toBeNull()
    kept.token = null
    expect(await session.getAccessToken()).toBeNull()
  })

  test('an outage signs no one out', async () => {
    const { session, kept } = await newServer()
    service().gates.postgres.set('refusing')
    const before = kept.token
    await expect(session.getAccessToken()).rejects.toThrow('503')
    service().gates.postgres.set('open')
    expect(kept.token).toBe(before)
    expect(await session.getAccessToken()).not.toBeNull()
  })
})
