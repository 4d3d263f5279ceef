/** One webhook endpoint and its deliveries. What a receiver answered is never shown, only its status. */
import type { View } from '../../pages/hosted.ts'
import { FormToken, Hidden } from '../../pages/views/fields.tsx'
import { Card } from '../../pages/views/layout.tsx'
import type { Part } from '../../pages/views/part.ts'
import type { listDeliveries } from '../../webhooks/replay-store.ts'
import { replayWebhookDelivery } from '../../webhooks/replay-webhook-delivery.route.ts'
import type { Endpoint } from '../../webhooks/store.ts'
import { type Desk, leadsTo, maySee } from '../desk.ts'
import type { WebhookActionName } from '../languages/texts.ts'
import { Back, Done, Facts, Field, Filters, Moment, Next, OneForm, Refused } from './parts.tsx'
import { State } from './webhooks.tsx'

const PATH = '/console/webhooks'

type Delivery = NonNullable<Awaited<ReturnType<typeof listDeliveries>>[number]['delivery']>

type Found = { endpoint: Endpoint; deliveries: Delivery[]; next: string | null; state: string }

export function webhook(desk: Desk, { endpoint, deliveries, next, state }: Found): View {
  const { words, screen, present } = desk
  const path = `${PATH}/${endpoint.id}`
  const mayAct = maySee(present, { asks: [replayWebhookDelivery] })
  const states = Object.entries(words.webhook.deliveryStates)
  return {
    heading: endpoint.url,
    content: (
      <>
        <Card>
          <h1>{endpoint.url}</h1>
          <Done desk={desk} texts={words.webhook.actions} />
          <Facts
            of={[
              [words.users.status, <State desk={desk} endpoint={endpoint} />],
              [words.webhook.description, endpoint.description],
              [words.webhook.events, endpoint.events.join(', ')],
              [words.user.id, <code>{endpoint.id}</code>],
              [words.user.created, <Moment desk={desk} at={endpoint.createdAt} />],
              [
                words.webhook.failingSince,
                endpoint.failingSince && <Moment desk={desk} at={endpoint.failingSince} />,
              ],
            ]}
          />
          {mayAct ? (
            <ul class="actions">
              {(['test', 'replay'] as const).map((verb) => (
                <li>
                  <a class="button second" href={leadsTo(screen.flow, `${path}/${verb}`)}>
                    {words.webhook.actions[verb].heading}
                  </a>
                </li>
              ))}
            </ul>
          ) : null}
        </Card>
        <Card>
          <h2>{words.webhook.deliveries}</h2>
          <Filters desk={desk} path={path}>
            <Field
              desk={desk}
              name="state"
              label={words.users.status}
              value={state}
              options={[['', words.any], ...states]}
            />
          </Filters>
          {deliveries.length === 0 ? <p class="faint">{words.none}</p> : null}
          <ul class="rows">
            {deliveries.map((delivery) => (
              <Sent desk={desk} path={path} delivery={delivery} mayAct={mayAct} />
            ))}
          </ul>
          <Next desk={desk} path={path} query={state === '' ? {} : { state }} next={next} />
        </Card>
        <Back desk={desk} path={PATH} to={words.sections.webhooks} />
      </>
    ),
  }
}

const Sent: Part<{ desk: Desk; path: string; delivery: Delivery; mayAct: boolean }> = ({
  desk,
  path,
  delivery,
  mayAct,
}) => {
  const { words, screen } = desk
  const { state, attempts, lastStatus, lastError, lastDurationMs, deadReason } = delivery
  const how = [
    lastStatus && `HTTP ${lastStatus}`,
    lastError,
    deadReason,
    lastDurationMs && `${lastDurationMs} ms`,
  ]
  return (
    <li>
      <div>
        <code>{delivery.type}</code>
        <span class={state === 'dead' ? 'tag bad' : 'tag'}>{words.webhook.deliveryStates[state]}</span>
        <p class="faint">
          <Moment desk={desk} at={delivery.createdAt} />, {words.webhook.attempts(attempts)}
        </p>
        <p class="faint">{how.filter(Boolean).join(', ')}</p>
        <p class="faint">
          <code>{delivery.id}</code>
        </p>
      </div>
      {mayAct && state !== 'pending' ? (
        <form method="post" action={leadsTo(screen.flow, `${path}/replay-one`)}>
          <FormToken screen={screen} />
          <Hidden name="delivery_id" value={delivery.id} />
          <button
            type="submit"
            class="second"
            aria-label={`${words.webhook.actions['replay-one'].heading}: ${delivery.id}`}
          >
            {words.webhook.again}
          </button>
        </form>
      ) : null}
    </li>
  )
}

export function webhookAction(
  desk: Desk,
  { verb, endpoint }: { verb: WebhookActionName; endpoint: Endpoint },
): View {
  const { words, screen } = desk
  const { heading, lead } = words.webhook.actions[verb]
  const back = <Back desk={desk} path={`${PATH}/${endpoint.id}`} to={endpoint.url} />
  if (verb === 'replay-one' && screen.posted('delivery_id') === undefined)
    return { heading, content: <Refused desk={desk} heading={heading} lead={lead} back={back} /> }
  return {
    heading,
    content: (
      <OneForm desk={desk} heading={heading} lead={lead} back={back}>
        <Facts of={[[words.sections.webhooks, endpoint.url]]} />
        {verb === 'replay-one' ? (
          <Hidden name="delivery_id" value={screen.posted('delivery_id') ?? ''} />
        ) : null}
        {verb === 'replay' ? <Since desk={desk} /> : null}
      </OneForm>
    ),
  }
}

const Since: Part<{ desk: Desk }> = ({ desk }) => (
  <>
    <Field
      desk={desk}
      name="since"
      label={desk.words.webhook.since}
      type="datetime-local"
      isRequired={true}
      isFirst={true}
    />
    <label for="all" class="check">
      <input type="checkbox" id="all" name="all" value="on" />
      <span>{desk.words.webhook.all}</span>
    </label>
  </>
)
