/** What an access token says, unverified: the tests of signatures are elsewhere. */
export type Claims = {
  sub: string
  sid: string
  auth_time: number
  iat: number
  exp: number
  amr: string[]
  acr: string
}

export const claimsOf = (accessToken: string): Claims =>
  JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
