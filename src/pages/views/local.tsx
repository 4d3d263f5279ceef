/** What a browser sees that comes to the address that `npm run dev` printed. */
import type { Child } from 'hono/jsx'
import { DEMO_ADMINISTRATOR } from '../demo-administrator.ts'
import type { View } from '../hosted.ts'
import { Card } from './layout.tsx'
import type { Part } from './part.ts'

/** Through the sign-in page, also for who is signed in as someone else. */
const CONSOLE = `/sign-in?${new URLSearchParams({ prompt: 'login', login_hint: DEMO_ADMINISTRATOR.email, return_to: '/console' })}`

export function local({ origin, mailbox }: { origin: string; mailbox: string | null }): View {
  const heading = 'Latchkey is running'
  return {
    heading,
    content: (
      <>
        <Card>
          <h1>{heading}</h1>
          <p class="lead">
            This is the authentication service on your machine: real PostgreSQL, real limits, nothing leaves
            it. Try it as a person would.
          </p>
          <ul class="rows">
            <Step name="Create an account" to="/sign-up" verb="Sign up">
              With any address, e.g. ada@example.com.
            </Step>
            {mailbox === null ? null : (
              <Step name="Read its mail" to={mailbox} verb="Open the mailbox">
                Everything that the service sends is kept there.
              </Step>
            )}
            <Step name="Sign in" to="/sign-in" verb="Sign in">
              With the password, a mailed code, a passkey.
            </Step>
            <Step name="Look at the account" to="/account" verb="Open the account">
              Profile, devices, second factors, your data.
            </Step>
            <Step name="Administer" to={CONSOLE} verb="Open the console">
              Sign in as <code>{DEMO_ADMINISTRATOR.email}</code> with the password{' '}
              <code>{DEMO_ADMINISTRATOR.password}</code>.
            </Step>
          </ul>
        </Card>
        <Card>
          <h2>The same as a program</h2>
          <p class="lead">Register, sign in and read the account:</p>
          <pre tabindex={0}>{`B=${origin}
curl -s $B/v1/register --json '{"email":"ada@example.com","password":"correct horse battery"}'
curl -s $B/v1/login    --json '{"email":"ada@example.com","password":"correct horse battery"}' | tee /tmp/tokens
AT=$(node -p 'JSON.parse(fs.readFileSync("/tmp/tokens")).access_token')
curl -s $B/v1/me       -H "authorization: Bearer $AT"`}</pre>
        </Card>
        <Card>
          <h2>Where things are</h2>
          <p>
            docs/routes.md, in the folder that you started this from, lists every operation;{' '}
            <a href="/openapi.json">/openapi.json</a> describes them. What clients discover:{' '}
            <a href="/.well-known/openid-configuration">/.well-known/openid-configuration</a>,{' '}
            <a href="/.well-known/jwks.json">/.well-known/jwks.json</a>.
          </p>
          <p class="faint">
            Here an account is usable at once. At{' '}
            <a href={origin.replace('//localhost', '//verify.localhost')}>verify.localhost</a> an address is
            confirmed by mail first.
          </p>
        </Card>
      </>
    ),
  }
}

const Step: Part<{ name: string; to: string; verb: string; children?: Child }> = ({
  name,
  to,
  verb,
  children,
}) => (
  <li>
    <div>
      <strong>{name}</strong>
      <p class="faint">{children}</p>
    </div>
    <a class="button second" href={to}>
      {verb}
    </a>
  </li>
)
