/** The accounts at providers that sign in to this one. What a provider calls itself is text like any other. */
import type { OfferedProvider } from '../../social/flow-store.ts'
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import { BackToAccount, Done } from './account.tsx'
import { Alert, FormToken, Hidden } from './fields.tsx'
import { Card } from './layout.tsx'

type Identity = { id: string; provider: string; email: string | null; linkedAt: Date }

export function identities(
  screen: Screen,
  linked: readonly Identity[],
  offered: readonly OfferedProvider[],
): View {
  const { identitiesPage: words, identities: heading } = screen.texts.account
  const nameOf = (slug: string) => offered.find((one) => one.slug === slug)?.name ?? slug
  const day = new Intl.DateTimeFormat(screen.tag, { dateStyle: 'medium', timeZone: 'UTC' })
  return {
    heading,
    isWide: true,
    content: (
      <Card>
        <h1>{heading}</h1>
        <p class="lead">{linked.length === 0 ? words.noneYet : words.lead}</p>
        {screen.flow.linked === undefined ? <Done screen={screen} /> : <p role="status">{words.linked}</p>}
        <Alert screen={screen} />
        <ul class="rows">
          {linked.map(({ id, provider, email, linkedAt }) => (
            <li>
              <div>
                <strong>{nameOf(provider)}</strong>
                <p class="faint">
                  {email === null ? '' : `${email} · `}
                  {words.since} {day.format(linkedAt)}
                </p>
              </div>
              <form method="post" action={screen.to('/account/identities')}>
                <FormToken screen={screen} />
                <Hidden name="identity_id" value={id} />
                <button type="submit" class="second" aria-label={`${words.unlink}: ${nameOf(provider)}`}>
                  {words.unlink}
                </button>
              </form>
            </li>
          ))}
        </ul>
        {offered.map(({ slug, name }) => (
          <form method="post" action={screen.to('/account/identity-link')}>
            <FormToken screen={screen} />
            <Hidden name="provider" value={slug} />
            <button type="submit" class="second">
              {words.link(name)}
            </button>
          </form>
        ))}
        <BackToAccount screen={screen} />
      </Card>
    ),
  }
}
