/** A program that signs in and lists sessions, as its author would write it: each line that must not compile says so. */
import createClient from 'openapi-fetch'
import type { components, paths } from './.generated/openapi.ts'

const latchkey = createClient<paths>({ baseUrl: 'https://auth.example.com' })

export async function devicesOf(email: string, password: string): Promise<(string | null)[]> {
  const { data, error } = await latchkey.POST('/v1/login', { body: { email, password } })
  if (error) throw new Error(wordsOf(error))
  // An account with a second factor is asked for its code first.
  if (!('access_token' in data)) throw new Error(`${data.status}: ${data.methods.join(' or ')}`)
  const headers = { authorization: `Bearer ${data.access_token}` }
  const listed = await latchkey.GET('/v1/sessions', { params: { query: { limit: '50' } }, headers })
  await latchkey.DELETE('/v1/sessions/{id}', { params: { path: { id: data.session.id } }, headers })
  return listed.data?.data.map(({ device }) => device) ?? []
}

/** A refusal is told by its code, and the codes of an operation are a closed set. */
const wordsOf = (problem: components['schemas']['Problem']): string => `${problem.code}: ${problem.title}`

export async function mistakes(): Promise<void> {
  // @ts-expect-error there is no such operation
  await latchkey.GET('/v1/nothing')
  // @ts-expect-error the password is absent
  await latchkey.POST('/v1/login', { body: { email: 'ada@example.com' } })
  // @ts-expect-error no such transport
  await latchkey.POST('/v1/login', { body: { email: 'a@b.c', password: 'x', transport: 'pigeon' } })
  const { data } = await latchkey.GET('/v1/me')
  // @ts-expect-error no such member
  data?.phone
  const { error } = await latchkey.GET('/v1/me')
  // @ts-expect-error this operation refuses nothing with that code
  if (error?.code === 'email_taken') return
}
