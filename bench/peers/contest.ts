/** What everyone is asked to do, each in its own words: ours as docs/routes.md has it, the peers as their clients call them. */
import { randomBytes, scryptSync } from 'node:crypto'
import { LOOPBACK } from '../../dev/local-server.ts'
import { type Answer, createSender, type Send } from '../client.ts'
import { newEmail, type Task } from '../operations.ts'
import { HOST, type Stack } from '../stack.ts'
import type { Workerd } from '../workerd.ts'
import type { Contestant } from './row.ts'

const PASSWORD = 'correct horse battery'
const ORIGIN = `http://${HOST}`

type Entry = Task & {
  operation: string
  who: Contestant
  /** Which of ours it is compared with. */
  against: string
}
type Calls = Record<string, () => Promise<unknown>>

/** @param calls how often each is called: as many sessions are made for those that end one */
export async function prepareContest(stack: Stack, { ports }: Workerd, calls: number) {
  const senders = new Map<string, ReturnType<typeof createSender>>()
  const senderOf = (who: Contestant) => {
    const sender = createSender(ports[who] ?? 0)
    senders.set(who, sender)
    return sender
  }
  const ours = await latchkey(senderOf('latchkey').send, calls)
  const own = await betterAuth(senderOf('better-auth').send, calls)
  const tuned = await betterAuth(senderOf('better-auth-tuned').send, calls)
  const equal = await betterAuth(senderOf('better-auth-argon2id').send, 0)
  const entries: Entry[] = []
  const enter = (who: Contestant, given: Calls) => {
    for (const [operation, run] of Object.entries(given)) {
      const against = `${operation === 'sign-in, equal hash' ? 'sign-in' : operation}, latchkey`
      entries.push({ operation, who, against, name: `${operation}, ${who}`, run })
    }
  }
  enter('latchkey', ours)
  enter('better-auth', own)
  enter('better-auth-tuned', tuned)
  enter('better-auth-argon2id', { 'sign-in, equal hash': equal['sign-in'] ?? noCall })
  enter('openauth', await openauth(senderOf('openauth').request, stack))
  return {
    entries: entries.toSorted((one, other) => one.operation.localeCompare(other.operation)),
    tasks: entries,
    close: () => {
      for (const sender of senders.values()) sender.close()
    },
  }
}

const noCall = () => Promise.reject(new Error('there is no such call'))

/** What the next call of a kind uses up. */
function takerOf<T>(made: T[]): () => T {
  return () => {
    const next = made.pop()
    if (next === undefined) throw new Error('too few sessions were made')
    return next
  }
}

async function latchkey(send: Send, calls: number): Promise<Calls> {
  const register = async () => {
    const email = newEmail()
    const { body } = await send({ path: '/v1/register', json: { email, password: PASSWORD } })
    return { email, ...(JSON.parse(body) as { access_token: string; refresh_token: string }) }
  }
  const [signingIn, reading, refreshing] = [await register(), await register(), await register()]
  let { refresh_token } = refreshing
  const toEnd: string[] = []
  for (let made = 0; made < calls; made++) toEnd.push((await register()).refresh_token)
  const takeSession = takerOf(toEnd)
  return {
    'sign-up': register,
    'sign-in': () => send({ path: '/v1/login', json: { email: signingIn.email, password: PASSWORD } }),
    'live check': () => send({ path: '/v1/me', bearer: reading.access_token }),
    refresh: async () => {
      const { body } = await send({ path: '/v1/refresh', json: { refresh_token } })
      refresh_token = JSON.parse(body).refresh_token
    },
    'sign-out': () => send({ path: '/v1/logout', json: { refresh_token: takeSession() } }),
    'key set': () => send({ path: '/.well-known/jwks.json' }),
  }
}

async function betterAuth(sendAny: Send, calls: number): Promise<Calls> {
  const send: Send = (call) => sendAny({ ...call, headers: { origin: ORIGIN } })
  const signUp = async () => {
    const email = newEmail()
    const json = { email, password: PASSWORD, name: 'Ada' }
    return { email, ...(await send({ path: '/api/auth/sign-up/email', json })) }
  }
  const { email } = await signUp()
  const { cookies: cookie } = await signUp()
  const toEnd: string[] = []
  for (let made = 0; made < calls; made++) toEnd.push((await signUp()).cookies)
  const takeSession = takerOf(toEnd)
  return {
    'sign-up': signUp,
    'sign-in': () => send({ path: '/api/auth/sign-in/email', json: { email, password: PASSWORD } }),
    'live check': async () => {
      const { body } = await send({ path: '/api/auth/get-session?disableCookieCache=true', cookie })
      if (!JSON.parse(body)?.session) throw new Error('better-auth has no session')
    },
    'sign-out': () => send({ path: '/api/auth/sign-out', json: {}, cookie: takeSession() }),
    'key set': () => send({ path: '/api/auth/jwks' }),
  }
}

/** A sign-in is what a browser sends with the filled-in form, and what its product sends for the code. */
async function openauth(request: Send, { ports }: Stack): Promise<Calls> {
  const email = newEmail()
  await keepPassword(ports.upstash, email)
  const redirect = `${ORIGIN}/callback`
  const query = new URLSearchParams({ client_id: 'bench', redirect_uri: redirect, response_type: 'code' })
  const { cookies: cookie } = await request({ path: `/authorize?${query}` })
  const post = async (
    path: string,
    fields: Record<string, string>,
    status: number,
    more = {},
  ): Promise<Answer> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await request({ path, text: new URLSearchParams(fields).toString(), headers, ...more })
    if (answer.status !== status)
      throw new Error(`openauth answered ${path} ${answer.status}: ${answer.body}`)
    return answer
  }
  const signIn = async () => {
    const { location = '' } = await post('/password/authorize', { email, password: PASSWORD }, 302, {
      cookie,
    })
    const code = new URL(location).searchParams.get('code') ?? ''
    const fields = { grant_type: 'authorization_code', code, redirect_uri: redirect, client_id: 'bench' }
    return JSON.parse((await post('/token', fields, 200)).body) as { refresh_token: string }
  }
  let { refresh_token } = await signIn()
  return {
    'sign-in': signIn,
    refresh: async () => {
      const { body } = await post('/token', { grant_type: 'refresh_token', refresh_token }, 200)
      refresh_token = JSON.parse(body).refresh_token
    },
    'key set': () => request({ path: '/.well-known/jwks.json' }),
  }
}

/** As its password provider keeps it. Registering there needs a mailed code. */
async function keepPassword(port: number, email: string): Promise<void> {
  const [salt, cost] = [randomBytes(16), { N: 16384, r: 8, p: 1 }]
  const kept = {
    hash: scryptSync(PASSWORD, salt, 32, cost).toString('base64'),
    salt: salt.toString('base64'),
    ...cost,
  }
  const key = ['email', email, 'password'].join('\u001f')
  const { ok } = await fetch(`http://${LOOPBACK}:${port}`, {
    method: 'POST',
    headers: { authorization: 'Bearer local' },
    body: JSON.stringify(['SET', key, JSON.stringify(kept)]),
  })
  if (!ok) throw new Error('Redis did not keep the password')
}
