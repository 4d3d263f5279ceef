/** The keys with which programs act for the person. What a key is called is text like any other. */
import type { StoredKey } from '../../api-keys/api-key-store.ts'
import { ADMIN } from '../../guard/demands.ts'
import type { Present } from '../../sessions/presence.ts'
import type { Tenant } from '../../tenants/tenants.ts'
import { KEY_DAYS, SCOPE_FIELD } from '../api-key-form.ts'
import type { View } from '../hosted.ts'
import type { Screen } from '../screen.ts'
import { BackToAccount, Done } from './account.tsx'
import { OneForm } from './account-forms.tsx'
import { Alert, Field, FormToken, Hidden } from './fields.tsx'
import { Card } from './layout.tsx'

export function apiKeys(
  screen: Screen,
  keys: readonly StoredKey[],
  { policy }: Pick<Tenant, 'policy'>,
): View {
  const { apiKeys: words } = screen.texts.account
  const day = new Intl.DateTimeFormat(screen.tag, { dateStyle: 'medium', timeZone: 'UTC' })
  return {
    heading: words.heading,
    isWide: true,
    content: (
      <Card>
        <h1>{words.heading}</h1>
        <p class="lead">{keys.length === 0 ? words.noneYet : words.lead}</p>
        <Done screen={screen} />
        <Alert screen={screen} />
        <ul class="rows">
          {keys.map(({ id, name, scopes, createdAt, expiresAt, lastUsedAt }) => (
            <li>
              <div>
                <strong>{name}</strong>
                <p class="faint">{scopes.join(', ')}</p>
                <p class="faint">
                  {[
                    `${words.made} ${day.format(createdAt)}`,
                    lastUsedAt === null ? words.unused : `${words.used} ${day.format(lastUsedAt)}`,
                    ...(expiresAt === null ? [] : [`${words.ends} ${day.format(expiresAt)}`]),
                  ].join(' · ')}
                </p>
              </div>
              <form method="post" action={screen.to('/account/api-keys')}>
                <FormToken screen={screen} />
                <Hidden name="key_id" value={id} />
                <button type="submit" class="danger" aria-label={`${words.revoke}: ${name}`}>
                  {words.revoke}
                </button>
              </form>
            </li>
          ))}
        </ul>
        {policy.api_key_scopes.length === 0 ? null : (
          <a class="button" href={screen.to('/account/api-key-add')}>
            {words.add}
          </a>
        )}
        <BackToAccount screen={screen} />
      </Card>
    ),
  }
}

export function addKey(screen: Screen, { tenant, state }: Present): View {
  const { apiKeys: words } = screen.texts.account
  // Those of ours are for who may do the same; the operation decides.
  const mine = tenant.policy.api_key_scopes.filter(
    (scope) =>
      !scope.startsWith('latchkey:') ||
      state.roles.includes(ADMIN) ||
      state.permissions.some((permission) => permission === scope),
  )
  return {
    heading: words.add,
    content: (
      <OneForm screen={screen} heading={words.add} lead={words.addLead} button={words.button}>
        <Field screen={screen} name="name" label="name" type="text" autocomplete="off" required={true} />
        <fieldset>
          <legend>{words.scopes}</legend>
          {mine.map((scope, index) => (
            <label for={`scope-${index}`} class="check">
              <input
                type="checkbox"
                id={`scope-${index}`}
                name={`${SCOPE_FIELD}${scope}`}
                value="on"
                checked={screen.posted(`${SCOPE_FIELD}${scope}`) === 'on'}
              />
              <span>{scope}</span>
            </label>
          ))}
        </fieldset>
        <label for="days">{words.ends}</label>
        <select id="days" name="days">
          <option value="">{words.never}</option>
          {KEY_DAYS.map((days) => (
            <option value={days} selected={screen.posted('days') === days}>
              {words.after(Number(days))}
            </option>
          ))}
        </select>
      </OneForm>
    ),
  }
}

export function madeKey(screen: Screen, { name, key }: { name: string; key: string }): View {
  const { apiKeys: words } = screen.texts.account
  return {
    heading: words.yours,
    content: (
      <Card>
        <h1>{words.yours}</h1>
        <p class="lead">{words.yoursLead}</p>
        <label for="key">{name}</label>
        <input id="key" type="text" value={key} readonly autocomplete="off" spellcheck={false} />
        <a class="button" href={screen.to('/account/api-keys')}>
          {words.kept}
        </a>
      </Card>
    ),
  }
}
