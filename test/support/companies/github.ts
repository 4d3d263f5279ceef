/** GitHub: it says what went wrong with 200, answers forms to who does not ask for JSON, and forbids those without a User-Agent. */
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

const client = { id: 'Ov23liExample', secret: 'f00dfeedf00dfeedf00dfeedf00dfeedf00dfeed' }

export const github: Company = {
  client,
  page: /^https:\/\/github\.com\/login\/oauth\/authorize$/,
  scopes: ['read:user', 'user:email'],
  hosts: ['github.com', 'api.github.com'],
  newPerson: () => ({
    id: randomInt(1, 2 ** 40),
    login: 'ada',
    name: 'Ada Lovelace',
    emails: [
      { email: newAddress('old.example.com'), primary: false, verified: true, visibility: null },
      { email: newAddress('example.com'), primary: true, verified: true, visibility: 'private' },
    ],
  }),
  answer,
}

function answer(asked: Asked, { redeem, tokens }: Office): Reply | null {
  const { url, form, headers } = asked
  if (url.href === 'https://github.com/login/oauth/access_token') {
    const say = (body: Record<string, string>): Reply =>
      headers.accept?.includes('application/json')
        ? { body }
        : { body: new URLSearchParams(body).toString(), type: 'application/x-www-form-urlencoded' }
    // It says what went wrong with 200.
    if (!hasSecret({ ...asked, headers: {} }, client))
      return say({
        error: 'incorrect_client_credentials',
        error_description: 'The client_id is incorrect.',
      })
    const granted = redeem(form)
    if (!granted) return say({ error: 'bad_verification_code', error_description: 'The code is incorrect.' })
    const access_token = `gho_${randomBytes(18).toString('hex')}`
    tokens.set(access_token, granted)
    return say({
      access_token,
      scope: granted.asked.get('scope')?.replaceAll(' ', ',') ?? '',
      token_type: 'bearer',
    })
  }
  if (url.origin !== 'https://api.github.com') return null
  if (!headers['user-agent'])
    return { status: 403, body: 'Request forbidden by administrative rules.', type: 'text/plain' }
  const granted = tokens.get((headers.authorization ?? '').replace(/^Bearer /, ''))
  if (!granted) return refuse(401, { message: 'Bad credentials', status: '401' })
  const { emails, ...user } = granted.person
  if (url.pathname === '/user') return { body: { ...user, email: null } }
  if (url.pathname !== '/user/emails') return null
  return granted.asked.get('scope')?.includes('user:email')
    ? { body: emails }
    : refuse(404, { message: 'Not Found', status: '404' })
}
