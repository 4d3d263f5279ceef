/** The providers of the tenant. Their secrets are in no page. */
import type { View } from '../../pages/hosted.ts'
import { Card } from '../../pages/views/layout.tsx'
import type { Part } from '../../pages/views/part.ts'
import type { ProviderRow } from '../../social/provider-store.ts'
import { callbackUrl } from '../../social/providers.ts'
import { updateProvider } from '../../social/update-provider.route.ts'
import { type Desk, leadsTo, maySee } from '../desk.ts'
import type { ProviderActionName } from '../languages/texts.ts'
import { Back, Done, Facts, OneForm } from './parts.tsx'

const PATH = '/console/providers'

export function providers(desk: Desk, found: { providers: ProviderRow[]; origin: string }): View {
  const { words } = desk
  const heading = words.sections.providers
  return {
    heading,
    content: (
      <>
        <Card>
          <h1>{heading}</h1>
          <Done desk={desk} texts={words.provider.actions} />
          {found.providers.length === 0 ? <p class="faint">{words.none}</p> : null}
        </Card>
        {found.providers.map((provider) => (
          <Provider desk={desk} provider={provider} origin={found.origin} />
        ))}
      </>
    ),
  }
}

const Provider: Part<{ desk: Desk; provider: ProviderRow; origin: string }> = ({
  desk,
  provider,
  origin,
}) => {
  const { words, screen, present } = desk
  const { provider: own, webhook, none } = words
  const verb = provider.enabled ? 'disable' : 'enable'
  const heading = own.actions[verb].heading
  return (
    <Card>
      <h2>
        {provider.name}{' '}
        <span class={provider.enabled ? 'tag' : 'tag bad'}>
          {webhook.states[provider.enabled ? 'enabled' : 'disabled']}
        </span>
      </h2>
      <Facts
        of={[
          [own.kind, provider.kind],
          [own.issuer, provider.issuer],
          [own.clientId, <code>{provider.clientId}</code>],
          [own.callback, <code>{callbackUrl({ origin }, provider.slug)}</code>],
          [own.scopes, provider.scopes.join(' ') || none],
          [own.domains, provider.allowedDomains.join(', ') || words.any],
        ]}
      />
      {maySee(present, { asks: [updateProvider] }) ? (
        <ul class="actions">
          <li>
            <a
              class="button second"
              href={leadsTo(screen.flow, `${PATH}/${provider.id}/${verb}`)}
              aria-label={`${heading}: ${provider.name}`}
            >
              {heading}
            </a>
          </li>
        </ul>
      ) : null}
    </Card>
  )
}

export function providerAction(
  desk: Desk,
  { verb, provider }: { verb: ProviderActionName; provider: ProviderRow },
): View {
  const { provider: own, sections, user } = desk.words
  const { heading, lead } = own.actions[verb]
  return {
    heading,
    content: (
      <OneForm
        desk={desk}
        heading={heading}
        lead={lead}
        isDangerous={verb === 'disable'}
        back={<Back desk={desk} path={PATH} to={sections.providers} />}
      >
        <Facts
          of={[
            [user.name, provider.name],
            [own.issuer, provider.issuer],
          ]}
        />
      </OneForm>
    ),
  }
}
