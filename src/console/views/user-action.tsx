/** The forms that do one thing with an account. */
import type { View } from '../../pages/hosted.ts'
import type { Part } from '../../pages/views/part.ts'
import type { Desk } from '../desk.ts'
import type { ActionOn } from '../user-action.ts'
import { Back, Facts, Field, OneForm, Reason } from './parts.tsx'

const DANGEROUS: readonly string[] = ['disable', 'end-sessions', 'close']

export const userAction = (desk: Desk, on: ActionOn): View => ({
  heading: desk.words.actions[on.verb].heading,
  content: (
    <On desk={desk} on={on}>
      <Reason desk={desk} />
    </On>
  ),
})

export const proveByHand = (desk: Desk, on: ActionOn): View => ({
  heading: desk.words.actions[on.verb].heading,
  content: (
    <On desk={desk} on={on}>
      <Reason desk={desk} />
      <label for="keep" class="check">
        <input type="checkbox" id="keep" name="keep" value="on" />
        <span>{desk.words.keepCredentials}</span>
      </label>
    </On>
  ),
})

export function roles(desk: Desk, on: ActionOn): View {
  const { words, present } = desk
  const held = on.account.roles
  const declared = ['admin', ...Object.keys(present.tenant.policy.roles)]
  return {
    heading: words.actions.roles.heading,
    content: (
      <On desk={desk} on={on}>
        <Field
          desk={desk}
          name="grant"
          label={words.grant}
          hint={words.grantHint}
          offers={declared.filter((role) => !held.includes(role))}
          isFirst={true}
        />
        <Field
          desk={desk}
          name="revoke"
          label={words.revoke}
          options={[['', words.none], ...held.map((role) => [role, role] as const)]}
        />
        <Reason desk={desk} isFirst={false} />
      </On>
    ),
  }
}

const On: Part<{ desk: Desk; on: ActionOn }> = ({ desk, on: { verb, account }, children }) => {
  const { words } = desk
  const { heading, lead } = words.actions[verb]
  const who = account.email ?? account.id
  return (
    <OneForm
      desk={desk}
      heading={heading}
      lead={lead}
      isDangerous={DANGEROUS.includes(verb)}
      back={<Back desk={desk} path={`/console/users/${account.id}`} to={who} />}
    >
      <Facts
        of={[
          [words.user.email, who],
          [words.user.name, account.name],
          [words.user.roles, account.roles.join(', ') || words.none],
        ]}
      />
      {children}
    </OneForm>
  )
}
