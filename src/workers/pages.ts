/** The Worker `pages`: what people see who sign in, their account, and the console of those who administer. It calls what the other Workers answer, and so needs what they need. */
import { createApp } from '../app.ts'
import { consoleAuditPage } from '../console/console-audit.page.ts'
import { consoleAuditExportPage } from '../console/console-audit-export.page.ts'
import { consoleKeyRevokePage } from '../console/console-key-revoke.page.ts'
import { consoleKeysPage } from '../console/console-keys.page.ts'
import { consoleLogoPage } from '../console/console-logo.page.ts'
import { consoleOverviewPage } from '../console/console-overview.page.ts'
import { consoleProviderDisablePage } from '../console/console-provider-disable.page.ts'
import { consoleProviderEnablePage } from '../console/console-provider-enable.page.ts'
import { consoleProvidersPage } from '../console/console-providers.page.ts'
import { consoleRolesPage } from '../console/console-roles.page.ts'
import { consoleSettingPage } from '../console/console-setting.page.ts'
import { consoleSettingsPage } from '../console/console-settings.page.ts'
import { consoleUserPage } from '../console/console-user.page.ts'
import { consoleUserClosePage } from '../console/console-user-close.page.ts'
import { consoleUserDisablePage } from '../console/console-user-disable.page.ts'
import { consoleUserEnablePage } from '../console/console-user-enable.page.ts'
import { consoleUserEndSessionsPage } from '../console/console-user-end-sessions.page.ts'
import { consoleUserRestorePage } from '../console/console-user-restore.page.ts'
import { consoleUserRolesPage } from '../console/console-user-roles.page.ts'
import { consoleUserSendResetPage } from '../console/console-user-send-reset.page.ts'
import { consoleUserVerifyEmailPage } from '../console/console-user-verify-email.page.ts'
import { consoleUsersPage } from '../console/console-users.page.ts'
import { consoleWebhookPage } from '../console/console-webhook.page.ts'
import { consoleWebhookReplayPage } from '../console/console-webhook-replay.page.ts'
import { consoleWebhookReplayOnePage } from '../console/console-webhook-replay-one.page.ts'
import { consoleWebhookTestPage } from '../console/console-webhook-test.page.ts'
import { consoleWebhooksPage } from '../console/console-webhooks.page.ts'
import { accountApiKeyAddPage } from '../pages/account-api-key-add.page.ts'
import { accountApiKeysPage } from '../pages/account-api-keys.page.ts'
import { accountAuthenticatorPage } from '../pages/account-authenticator.page.ts'
import { accountAuthenticatorCodePage } from '../pages/account-authenticator-code.page.ts'
import { accountAuthenticatorRemovePage } from '../pages/account-authenticator-remove.page.ts'
import { accountClosePage } from '../pages/account-close.page.ts'
import { accountDataPage } from '../pages/account-data.page.ts'
import { accountDevicesPage } from '../pages/account-devices.page.ts'
import { accountEmailPage } from '../pages/account-email.page.ts'
import { accountIdentitiesPage } from '../pages/account-identities.page.ts'
import { accountIdentityLinkPage } from '../pages/account-identity-link.page.ts'
import { accountOtherDevicesPage } from '../pages/account-other-devices.page.ts'
import { accountOverviewPage } from '../pages/account-overview.page.ts'
import { accountPasskeyFactorPage } from '../pages/account-passkey-factor.page.ts'
import { accountPasskeyFactorRemovePage } from '../pages/account-passkey-factor-remove.page.ts'
import { accountPasskeyOptionsPage } from '../pages/account-passkey-options.page.ts'
import { accountPasskeyRemovePage } from '../pages/account-passkey-remove.page.ts'
import { accountPasskeysPage } from '../pages/account-passkeys.page.ts'
import { accountPasswordPage } from '../pages/account-password.page.ts'
import { accountProfilePage } from '../pages/account-profile.page.ts'
import { accountRecoveryCodesPage } from '../pages/account-recovery-codes.page.ts'
import { accountTrustedDeviceRemovePage } from '../pages/account-trusted-device-remove.page.ts'
import { accountTrustedDevicesPage } from '../pages/account-trusted-devices.page.ts'
import { continuePage } from '../pages/continue.page.ts'
import { emailCodePage } from '../pages/email-code.page.ts'
import { enrolPage } from '../pages/enrol.page.ts'
import { enrolCodePage } from '../pages/enrol-code.page.ts'
import { enterCodePage } from '../pages/enter-code.page.ts'
import { homePage } from '../pages/home.page.ts'
import { passkeySecondFactorPage } from '../pages/passkey-second-factor.page.ts'
import { passkeySignInPage } from '../pages/passkey-sign-in.page.ts'
import { passwordSignInPage } from '../pages/password-sign-in.page.ts'
import { secondFactorPage } from '../pages/second-factor.page.ts'
import { signOutPage } from '../pages/sign-out.page.ts'
import { signUpPage } from '../pages/sign-up.page.ts'
import { stepUpPage } from '../pages/step-up.page.ts'
import { stepUpCodePage } from '../pages/step-up-code.page.ts'
import { stepUpPasskeyPage } from '../pages/step-up-passkey.page.ts'
import { stepUpPasskeyOptionsPage } from '../pages/step-up-passkey-options.page.ts'
import { stepUpProviderPage } from '../pages/step-up-provider.page.ts'
import { SECRETS } from '../settings.ts'
import { tenantLogo } from '../tenants/tenant-logo.route.ts'

export const operations = [
  homePage,
  ...passwordSignInPage,
  ...secondFactorPage,
  ...emailCodePage,
  ...enterCodePage,
  ...enrolPage,
  ...enrolCodePage,
  ...passkeySignInPage,
  ...passkeySecondFactorPage,
  ...signUpPage,
  ...continuePage,
  ...signOutPage,
  ...stepUpPage,
  ...stepUpCodePage,
  ...stepUpPasskeyPage,
  ...stepUpPasskeyOptionsPage,
  ...stepUpProviderPage,
  ...accountOverviewPage,
  ...accountProfilePage,
  ...accountPasswordPage,
  ...accountEmailPage,
  ...accountDevicesPage,
  ...accountOtherDevicesPage,
  ...accountAuthenticatorPage,
  ...accountAuthenticatorCodePage,
  ...accountAuthenticatorRemovePage,
  ...accountRecoveryCodesPage,
  ...accountPasskeysPage,
  ...accountPasskeyOptionsPage,
  ...accountPasskeyRemovePage,
  ...accountPasskeyFactorPage,
  ...accountPasskeyFactorRemovePage,
  ...accountTrustedDevicesPage,
  ...accountTrustedDeviceRemovePage,
  ...accountIdentitiesPage,
  ...accountIdentityLinkPage,
  ...accountApiKeysPage,
  ...accountApiKeyAddPage,
  ...accountDataPage,
  ...accountClosePage,
  consoleOverviewPage,
  consoleUsersPage,
  consoleUserPage,
  ...consoleUserClosePage,
  ...consoleUserDisablePage,
  ...consoleUserEnablePage,
  ...consoleUserEndSessionsPage,
  ...consoleUserRestorePage,
  ...consoleUserRolesPage,
  ...consoleUserSendResetPage,
  ...consoleUserVerifyEmailPage,
  consoleAuditPage,
  ...consoleAuditExportPage,
  consoleWebhooksPage,
  consoleWebhookPage,
  ...consoleWebhookTestPage,
  ...consoleWebhookReplayPage,
  ...consoleWebhookReplayOnePage,
  consoleProvidersPage,
  ...consoleProviderEnablePage,
  ...consoleProviderDisablePage,
  consoleRolesPage,
  consoleKeysPage,
  ...consoleKeyRevokePage,
  consoleSettingsPage,
  ...consoleSettingPage,
  ...consoleLogoPage,
  tenantLogo,
]

export const secrets = SECRETS

export default createApp(operations, secrets)
