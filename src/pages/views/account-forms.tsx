/** The forms of the account that change one thing each. */

import type { Self } from '../../accounts/accounts.ts'
import type { Present } from '../../sessions/presence.ts'
import type { View } from '../hosted.ts'
import { LANGUAGES } from '../languages/all.ts'
import type { Screen } from '../screen.ts'
import { BackToAccount } from './account.tsx'
import { Alert, EMAIL, Field, FormToken, NEW_PASSWORD } from './fields.tsx'
import { Card } from './layout.tsx'
import type { Part } from './part.ts'

type Framed = { screen: Screen; heading: string; lead?: string; button: string; isDangerous?: boolean }

/** One form on a page, with the way back. */
export const OneForm: Part<Framed> = ({ screen, heading, lead, button, isDangerous, children }) => (
  <Card>
    <h1>{heading}</h1>
    {lead === undefined ? null : <p class="lead">{lead}</p>}
    <Alert screen={screen} />
    <form method="post" action={screen.action}>
      <FormToken screen={screen} />
      {children}
      <button type="submit" class={isDangerous ? 'danger' : undefined}>
        {button}
      </button>
    </form>
    <BackToAccount screen={screen} />
  </Card>
)

export function profile(screen: Screen, user: Self): View {
  const { profile: words, save } = screen.texts.account
  const chosen = screen.typed('locale') ?? user.locale ?? ''
  return {
    heading: words.heading,
    content: (
      <OneForm screen={screen} heading={words.heading} button={save}>
        <Field
          screen={screen}
          name="name"
          label="name"
          type="text"
          autocomplete="name"
          required={false}
          value={user.name ?? undefined}
        />
        <label for="locale">{words.locale}</label>
        <select id="locale" name="locale">
          <option value="">{words.anyLocale}</option>
          {optionsWith(chosen).map(([tag, language]) => (
            <option value={tag} lang={tag} selected={tag === chosen}>
              {language}
            </option>
          ))}
        </select>
        <label for="operational_mail" class="check">
          <input
            type="checkbox"
            id="operational_mail"
            name="operational_mail"
            value="on"
            checked={user.operationalMail}
          />
          <span>{words.mail}</span>
        </label>
      </OneForm>
    ),
  }
}

/** Ours, and what the person has set elsewhere. */
function optionsWith(chosen: string): [string, string][] {
  const ours = Object.entries(LANGUAGES).map(([tag, { language }]): [string, string] => [tag, language])
  return chosen === '' || ours.some(([tag]) => tag === chosen) ? ours : [...ours, [chosen, chosen]]
}

/** For password managers: whose password it is. */
export const Whose: Part<{ user: Self }> = ({ user }) => (
  <input type="hidden" name="email" value={user.email ?? ''} autocomplete="username" />
)

export function password(screen: Screen, { user, tenant }: Present): View {
  const { password: words } = screen.texts.account
  const least = tenant.policy.password_min_length
  return {
    heading: words.heading,
    content: (
      <OneForm screen={screen} heading={words.heading} lead={words.lead} button={words.button}>
        <Whose user={user} />
        <Field
          screen={screen}
          name="current_password"
          label="presentPassword"
          type="password"
          autocomplete="current-password"
          required={true}
        />
        <Field
          {...NEW_PASSWORD}
          screen={screen}
          name="new_password"
          minLength={Math.max(NEW_PASSWORD.minLength, least)}
          hint={screen.texts.password.atLeast(least)}
        />
      </OneForm>
    ),
  }
}

export function email(screen: Screen, user: Self): View {
  const { email: words } = screen.texts.account
  return {
    heading: words.heading,
    content: (
      <OneForm
        screen={screen}
        heading={words.heading}
        lead={words.lead(user.email ?? '')}
        button={words.button}
      >
        <Field {...EMAIL} screen={screen} label="newEmail" autocomplete="email" />
      </OneForm>
    ),
  }
}

export function data(screen: Screen): View {
  const { data: words } = screen.texts.account
  return {
    heading: words.heading,
    content: <OneForm screen={screen} heading={words.heading} lead={words.lead} button={words.button} />,
  }
}

export function close(screen: Screen, days: number): View {
  const { close: words } = screen.texts.account
  return {
    heading: words.heading,
    content: (
      <OneForm
        screen={screen}
        heading={words.heading}
        lead={words.lead(days)}
        button={words.button}
        isDangerous={true}
      />
    ),
  }
}
