/** Facebook: its errors are objects, and it does not say whether an address is proved. */
import { randomBytes, randomInt } from 'node:crypto'
import {
  type Asked,
  type Company,
  hasSecret,
  newAddress,
  type Office,
  type Reply,
  refuse,
} from './company.ts'

const client = { id: '1234567890123456', secret: 'f00dfeedf00dfeedf00dfeedf00dfeed' }

export const facebook: Company = {
  client,
  page: /^https:\/\/www\.facebook\.com\/v21\.0\/dialog\/oauth$/,
  scopes: ['public_profile', 'email'],
  hosts: ['graph.facebook.com', 'www.facebook.com'],
  newPerson: () => ({
    id: String(randomInt(1, 2 ** 40)),
    name: 'Ada Lovelace',
    email: newAddress('example.com'),
  }),
  answer,
}

function answer(asked: Asked, { redeem, tokens }: Office): Reply | null {
  const { url, form, headers } = asked
  const say = (message: string, code: number) =>
    refuse(400, { error: { message, type: 'OAuthException', code, fbtrace_id: 'A1' } })
  if (url.href === 'https://graph.facebook.com/v21.0/oauth/access_token') {
    if (!hasSecret({ ...asked, headers: {} }, client)) return say('Error validating client secret.', 1)
    const granted = redeem(form)
    if (!granted || form.get('redirect_uri') !== granted.redirectUri)
      return say('This authorization code has been used.', 100)
    const access_token = `EAA${randomBytes(18).toString('hex')}`
    tokens.set(access_token, granted)
    return { body: { access_token, token_type: 'bearer', expires_in: 5_183_944 } }
  }
  if (url.origin !== 'https://graph.facebook.com' || url.pathname !== '/v21.0/me') return null
  const granted = tokens.get((headers.authorization ?? '').replace(/^Bearer /, ''))
  if (!granted) return say('Invalid OAuth access token.', 190)
  const fields = (url.searchParams.get('fields') ?? 'id,name').split(',')
  return { body: Object.fromEntries(fields.map((field) => [field, granted.person[field]])) }
}
