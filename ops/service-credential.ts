/** `npm run keys -- caller <origin>`: what a trusted server signs with that calls that origin (src/http/trusted-caller.ts). */
import { parseKeyring } from '../src/crypto/keyring.ts'
import { newServiceCredential } from '../src/http/trusted-caller.ts'

/** @throws when SERVICE_KEYS is missing or malformed, or `origin` is not one, e.g. `https://auth.example.com` */
export async function serviceCredential(keyring: string | undefined, origin: string): Promise<string> {
  const url = URL.parse(origin)
  if (!url || url.origin !== origin.replace(/\/$/, '') || !/^https?:$/.test(url.protocol))
    throw new Error('give the origin that the server calls, for example https://auth.example.com')
  if (!keyring) throw new Error('SERVICE_KEYS is missing; `npm run keys -- secret k1` makes an entry for it')
  return newServiceCredential(parseKeyring(keyring), url.host)
}
