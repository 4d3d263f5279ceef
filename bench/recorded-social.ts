/** What ends a flow at a provider, in each of the ways that it may end: for bench/recorded.ts. */
import type { Client } from '../test/support/client.ts'
import { runningProvider } from '../test/support/planted-social.ts'
import type { Service } from '../test/support/service.ts'
import {
  APP,
  comeBack,
  linkTo,
  newPerson,
  RETURN,
  start,
  startStepUp,
  whoIs,
} from '../test/support/social.ts'

/** @param name told which operation the next statements are of */
export async function performSocial(
  { sql }: Pick<Service, 'sql'>,
  client: Client,
  name: (operation: string) => void,
): Promise<void> {
  name('test input')
  const { slug } = await client.plantedSocial.trustedProvider()
  await sql(
    `update tenants set allowed_origins = allowed_origins || $2::text[],
       settings = settings || jsonb_build_object('redirect_uris', $3::jsonb) where id = $1`,
    [client.tenant.id, [APP], JSON.stringify([RETURN])],
  )
  const provider = await runningProvider()
  const person = newPerson()
  const signIn = async (ending: string) => {
    name('test input')
    const { url, cookie } = await start(client, {}, slug)
    name(ending)
    const back = await comeBack(client, provider.consent(url, person), cookie, slug)
    name('test input')
    return (await whoIs(client, back)).body
  }
  await signIn('finish: a new person')
  const tokens = await signIn('finish: a known one')
  name('finish: a link')
  await linkTo(client, provider, tokens, newPerson(), slug)
  const { url, cookie } = await startStepUp(client, tokens, slug)
  const returned = provider.consent(url, { ...person, auth_time: Math.floor(Date.now() / 1000) })
  name('finish: a step-up')
  const back = await comeBack(client, returned, cookie, slug)
  if (!back.headers.get('location')?.includes('stepped_up=true'))
    throw new Error(`a step-up ended at ${back.headers.get('location')}`)
  await provider.stop() // or explain would not end
}
