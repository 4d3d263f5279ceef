/** What an authenticator keeps to say whose passkey it is: the 16 bytes of the account's id, which say nothing of a person. */
import { fromBase64Url, toBase64Url } from '../crypto/base64.ts'

export const userHandleOf = (userId: string): string =>
  toBase64Url(
    Uint8Array.from(userId.replaceAll('-', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
  )

export const isHandleOf = (userHandle: string | null | undefined, userId: string): boolean =>
  typeof userHandle === 'string' && fromBase64Url(userHandle) !== null && userHandle === userHandleOf(userId)
