/**
 * The ways to pass a first factor: what a session that began so says of it (`amr`, RFC 8176), and the level that the way
 * reaches by itself (NIST SP 800-63B-4). `isByEmail`: it proves the mailbox, so that a mailed code after it proves
 * nothing more.
 */
export const METHODS = {
  password: { amr: ['pwd'], aal: 1, isByEmail: false },
  // RFC 8176 has no word for a mailed code or link; both are one-time passwords. E-mail is no second factor (ASVS 6.3.6).
  email: { amr: ['otp'], aal: 1, isByEmail: true },
  // A key that its owner was verified for (PIN or biometrics: the authenticator does not say which). Nothing attests whether
  // the key lies in hardware, so neither `hwk` nor `swk`; `pop` is the word for that (IANA's registry of `amr`).
  passkey: { amr: ['pop', 'user', 'mfa'], aal: 2, isByEmail: false },
  // Whatever the provider asked for is between it and the person; RFC 8176 has no word for that, and this is the usual one.
  federated: { amr: ['fed'], aal: 1, isByEmail: false },
  // The provider said so, and the tenant trusts it.
  federated_mfa: { amr: ['fed', 'mfa'], aal: 2, isByEmail: false },
} as const satisfies Record<string, { amr: readonly string[]; aal: 1 | 2; isByEmail: boolean }>

export type Method = keyof typeof METHODS
