/** The API keys of the tenant: what they are called and allow, never what they are. */
import type { StoredKey } from '../../api-keys/api-key-store.ts'
import type { View } from '../../pages/hosted.ts'
import { Card } from '../../pages/views/layout.tsx'
import type { Part } from '../../pages/views/part.ts'
import { type Desk, leadsTo } from '../desk.ts'
import { Back, Done, Facts, Moment, OneForm } from './parts.tsx'

const PATH = '/console/keys'

export function keys(desk: Desk, found: StoredKey[]): View {
  const { words, screen } = desk
  const heading = words.sections.keys
  return {
    heading,
    content: (
      <Card>
        <h1>{heading}</h1>
        <p class="lead">{words.key.lead}</p>
        <Done desk={desk} texts={words.key.actions} />
        {found.length === 0 ? <p class="faint">{words.none}</p> : null}
        <ul class="rows">
          {found.map((key) => (
            <li>
              <div>
                <strong>{key.name}</strong>
                <p class="faint">{key.scopes.join(' ')}</p>
                <Times desk={desk} apiKey={key} />
              </div>
              <a
                class="button second"
                href={leadsTo(screen.flow, `${PATH}/${key.id}/revoke`)}
                aria-label={`${words.key.actions.revoke.heading}: ${key.name} ${key.id}`}
              >
                {words.key.revoke}
              </a>
            </li>
          ))}
        </ul>
      </Card>
    ),
  }
}

const Times: Part<{ desk: Desk; apiKey: StoredKey }> = ({ desk, apiKey }) => {
  const { user, key, never } = desk.words
  const at = (time: Date | null) => (time === null ? never : <Moment desk={desk} at={time} />)
  return (
    <p class="faint">
      {user.created} {at(apiKey.createdAt)} · {user.lastUsed} {at(apiKey.lastUsedAt)} · {key.expires}{' '}
      {at(apiKey.expiresAt)}
    </p>
  )
}

export function revoked(desk: Desk, key: StoredKey): View {
  const { words } = desk
  const { heading, lead } = words.key.actions.revoke
  return {
    heading,
    content: (
      <OneForm
        desk={desk}
        heading={heading}
        lead={lead}
        isDangerous={true}
        back={<Back desk={desk} path={PATH} to={words.sections.keys} />}
      >
        <Facts
          of={[
            [words.user.name, key.name],
            [words.user.id, <code>{key.id}</code>],
          ]}
        />
      </OneForm>
    ),
  }
}
