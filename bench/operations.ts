/** What is measured: the floor's parts and the operations, each as a function that does it once. */
import { randomUUID } from 'node:crypto'
import type { Send } from './client.ts'
import { API_KEY_SCOPE } from './stack.ts'

export type Task = { name: string; run: () => Promise<unknown> }

type Tokens = { access_token: string; refresh_token: string }

const PASSWORD = 'correct horse battery'
/** As many as a person who signs in on every device has. */
const OWN_SESSIONS = 5

export const newEmail = () => `${randomUUID()}@example.com`

/** @param refreshBatch the body that a refresh sent to Neon; sent again, it repeats the answer and changes nothing */
export async function prepareTasks(
  { floor, latchkey, unlimited }: { floor: Send; latchkey: Send; unlimited: Send },
  refreshBatch: string,
): Promise<Task[]> {
  const { body: phc } = await floor({ path: '/hash' })
  const register = (email: string) =>
    latchkey({ path: '/v1/register', json: { email, password: PASSWORD } }).then(readTokens)
  const login = (email: string, send = latchkey) =>
    send({ path: '/v1/login', json: { email, password: PASSWORD } }).then(readTokens)

  const signingIn = newEmail()
  await register(signingIn)
  const reading = newEmail()
  let { access_token: bearer } = await register(reading)
  for (let made = 1; made < OWN_SESSIONS; made++) bearer = (await login(reading)).access_token
  let { refresh_token } = await register(newEmail())
  const made = await latchkey({
    path: '/v1/api-keys',
    bearer,
    json: { name: 'bench', scopes: [API_KEY_SCOPE] },
  })
  const { key }: { key: string } = JSON.parse(made.body)
  const refresh = async () => {
    const answer = await latchkey({ path: '/v1/refresh', json: { refresh_token } })
    refresh_token = readTokens(answer).refresh_token
  }

  return [
    { name: 'empty request', run: () => floor({ path: '/empty' }) },
    { name: 'Argon2id verify', run: () => floor({ path: '/verify', text: phc }) },
    { name: 'Neon trip', run: () => floor({ path: '/postgres' }) },
    { name: 'Redis trip', run: () => floor({ path: '/redis' }) },
    { name: "refresh's batch", run: () => floor({ path: '/postgres-replay', text: refreshBatch }) },
    { name: 'two Redis limits', run: () => floor({ path: '/redis-limits' }) },
    { name: 'login', run: () => login(signingIn) },
    { name: 'register', run: () => register(newEmail()) },
    { name: 'refresh', run: refresh },
    { name: 'me', run: () => latchkey({ path: '/v1/me', bearer }) },
    { name: 'sessions', run: () => latchkey({ path: '/v1/sessions', bearer }) },
    { name: 'API key', run: () => latchkey({ path: '/v1/api-keys/verify', json: { key } }) },
    { name: 'login, unlimited', run: () => login(signingIn, unlimited) },
    { name: 'me, unlimited', run: () => unlimited({ path: '/v1/me', bearer }) },
  ]
}

/** Registers and refreshes once, for a caller that watches what it sends. */
export async function refreshOnce(latchkey: Send): Promise<void> {
  const registered = await latchkey({ path: '/v1/register', json: { email: newEmail(), password: PASSWORD } })
  await latchkey({ path: '/v1/refresh', json: { refresh_token: readTokens(registered).refresh_token } })
}

/** A sign-in of an account of its own, for what needs many. */
export async function prepareLogin(latchkey: Send): Promise<() => Promise<unknown>> {
  const email = newEmail()
  await latchkey({ path: '/v1/register', json: { email, password: PASSWORD } })
  return () => latchkey({ path: '/v1/login', json: { email, password: PASSWORD } })
}

function readTokens({ body }: { body: string }): Tokens {
  return JSON.parse(body)
}
