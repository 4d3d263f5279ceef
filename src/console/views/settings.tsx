/** The settings of the tenant with their defaults, and the form that changes one. */
import { updateTenant } from '../../admin/update-tenant.route.ts'
import { AS_ADMIN } from '../../guard/demands.ts'
import type { View } from '../../pages/hosted.ts'
import { Card, Logo } from '../../pages/views/layout.tsx'
import type { Part } from '../../pages/views/part.ts'
import { presentSettings } from '../../tenants/admin-settings.ts'
import { type Desk, leadsTo, maySee } from '../desk.ts'
import { choicesOf, settingText } from '../setting-text.ts'
import { Back, Done, Facts, Field, OneForm, Reason } from './parts.tsx'

const PATH = '/console/settings'

type Setting = { name: string; value: unknown; default: unknown }

export function settings(desk: Desk, hosts: string[]): View {
  const { words, present, screen } = desk
  const { tenant } = present
  const { logo } = tenant.policy
  const heading = words.sections.settings
  const mayChange = maySee(present, { asks: [updateTenant], demands: AS_ADMIN })
  return {
    heading,
    content: (
      <>
        <Card>
          <h1>{heading}</h1>
          <Done desk={desk} texts={words.setting.actions} />
          <Facts
            of={[
              [words.user.name, tenant.name],
              [words.setting.issuer, tenant.issuer],
              [words.setting.hosts, hosts.join(', ')],
              [words.setting.origins, tenant.allowedOrigins.join(', ') || words.none],
              [
                words.setting.logo.present,
                logo === undefined ? words.none : <Logo name={tenant.name} version={logo} />,
              ],
            ]}
          />
          {mayChange ? (
            <p class="more">
              <a href={leadsTo(screen.flow, '/console/logo')}>{words.setting.actions.logo.heading}</a>
            </p>
          ) : null}
        </Card>
        <Card>
          <ul class="rows">
            {Object.entries(presentSettings(tenant))
              .filter(([name]) => name !== 'logo') // shown above, as a picture
              .map(([name, { changeable, ...setting }]) => (
                <Row desk={desk} setting={{ name, ...setting }} mayChange={mayChange && changeable} />
              ))}
          </ul>
        </Card>
      </>
    ),
  }
}

const Row: Part<{ desk: Desk; setting: Setting; mayChange: boolean }> = ({ desk, setting, mayChange }) => {
  const { words, screen } = desk
  const { name } = setting
  return (
    <li>
      <div>
        <strong>
          <code>{name}</code>
        </strong>
        <p>{settingText(setting.value) || words.none}</p>
        <p class="faint">
          {words.setting.fallback}: {settingText(setting.default) || words.none}
        </p>
      </div>
      {mayChange ? (
        <a
          class="button second"
          href={leadsTo(screen.flow, `${PATH}/${name}`)}
          aria-label={`${words.setting.change}: ${name}`}
        >
          {words.setting.change}
        </a>
      ) : null}
    </li>
  )
}

export function setting(desk: Desk, { name, ...of }: Setting): View {
  const { words } = desk
  const { heading, lead } = words.setting.actions.change
  const fallback = settingText(of.default) || words.none
  const choices = choicesOf(name)?.map((one) => [one, one] as const)
  const options = choices && [['', words.setting.fallback] as const, ...choices]
  return {
    heading,
    content: (
      <OneForm
        desk={desk}
        heading={heading}
        lead={lead}
        back={<Back desk={desk} path={PATH} to={words.sections.settings} />}
      >
        <Field
          desk={desk}
          name="settings"
          label={name}
          hint={`${words.setting.fallback}: ${fallback}`}
          value={settingText(of.value)}
          isFirst={true}
          {...(options && { options })}
        />
        <Reason desk={desk} isFirst={false} />
      </OneForm>
    ),
  }
}
