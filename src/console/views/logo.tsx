/** The logo of the tenant: the form that uploads one, and the one that takes it away. */
import type { View } from '../../pages/hosted.ts'
import { FormToken, Hidden } from '../../pages/views/fields.tsx'
import { Card, Logo } from '../../pages/views/layout.tsx'
import { LOGO_TYPES } from '../../tenants/logo.ts'
import type { Desk } from '../desk.ts'
import { Back, Field, OneForm, Reason } from './parts.tsx'

/** @param version of the one that there is */
export function logo(desk: Desk, version: string | null): View {
  const { words, screen, present } = desk
  const { heading, lead } = words.setting.actions.logo
  return {
    heading,
    content: (
      <>
        <OneForm
          desk={desk}
          heading={heading}
          lead={lead}
          encType="multipart/form-data"
          back={<Back desk={desk} path="/console/settings" to={words.sections.settings} />}
        >
          <Field
            desk={desk}
            name="logo"
            label={words.setting.logo.file}
            hint={words.setting.logo.hint}
            type="file"
            accept={LOGO_TYPES.join(',')}
            isRequired={true}
            isFirst={true}
          />
          <Reason desk={desk} isFirst={false} />
        </OneForm>
        {version === null ? null : (
          <Card>
            <h2>{words.setting.logo.present}</h2>
            <Logo name={present.tenant.name} version={version} />
            <form method="post" action={screen.action} class="narrow">
              <FormToken screen={screen} />
              <Hidden name="remove" value="on" />
              <button type="submit" class="danger">
                {words.setting.logo.remove}
              </button>
            </form>
          </Card>
        )}
      </>
    ),
  }
}
