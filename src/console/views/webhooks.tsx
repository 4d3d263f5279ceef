/** The webhook endpoints of the tenant. An address is text here, and leads nowhere. */
import type { View } from '../../pages/hosted.ts'
import { Card } from '../../pages/views/layout.tsx'
import type { Part } from '../../pages/views/part.ts'
import type { Endpoint } from '../../webhooks/store.ts'
import { type Desk, leadsTo } from '../desk.ts'
import { Moment, Next } from './parts.tsx'

const PATH = '/console/webhooks'

export function webhooks(
  desk: Desk,
  { endpoints, next }: { endpoints: Endpoint[]; next: string | null },
): View {
  const { words, screen } = desk
  const heading = words.sections.webhooks
  return {
    heading,
    content: (
      <Card>
        <h1>{heading}</h1>
        {endpoints.length === 0 ? <p class="faint">{words.none}</p> : null}
        <ul class="rows">
          {endpoints.map((endpoint) => (
            <li>
              <div>
                <strong>{endpoint.url}</strong>
                <State desk={desk} endpoint={endpoint} />
                <p class="faint">{[endpoint.description, ...endpoint.events].filter(Boolean).join(' · ')}</p>
                {endpoint.failingSince ? (
                  <p class="faint">
                    {words.webhook.failingSince} <Moment desk={desk} at={endpoint.failingSince} />
                  </p>
                ) : null}
              </div>
              <a
                class="button second"
                href={leadsTo(screen.flow, `${PATH}/${endpoint.id}`)}
                aria-label={`${words.open}: ${endpoint.url} ${endpoint.id}`}
              >
                {words.open}
              </a>
            </li>
          ))}
        </ul>
        <Next desk={desk} path={PATH} query={{}} next={next} />
      </Card>
    ),
  }
}

export const State: Part<{ desk: Desk; endpoint: Endpoint }> = ({ desk: { words }, endpoint }) => (
  <span class={endpoint.state === 'enabled' && !endpoint.failingSince ? 'tag' : 'tag bad'}>
    {words.webhook.states[endpoint.state]}
    {endpoint.disabledReason === null ? '' : `: ${endpoint.disabledReason}`}
  </span>
)
