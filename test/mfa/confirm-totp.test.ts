import { expect, test } from 'vitest'
import { challenge, codeAt, enrol, newProved, verifyMfa } from '../support/authenticator.ts'
import { newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'confirmTotp')

test('F10: only the last secret that was shown can be confirmed, once', async () => {
  const { add, confirm } = await newProved(service(), await newClient(service()))
  const [first, second] = [(await add()).body, (await add()).body]
  expectProblem(await confirm(first.factor_id, codeAt(first.secret)), 'not_found')
  expectProblem(await confirm(second.factor_id, codeAt(first.secret)), 'invalid_code')
  const answers = await race(10, () => confirm(second.factor_id, codeAt(second.secret)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
})

test('replaces the app that there was, whose codes open nothing then', async () => {
  const { client, email, tokens, add, confirm } = await newProved(service(), await newClient(service()))
  const old = await enrol(service(), client, { email, tokens })
  const { body } = await add()
  expect((await confirm(body.factor_id, codeAt(body.secret))).status).toBe(200)
  const first = await challenge(client, email)
  expectProblem(await verifyMfa(client, first, codeAt(old.secret)), 'invalid_code')
  expect((await verifyMfa(client, first, codeAt(body.secret, 1))).status).toBe(200)
})

test('ends every other session, and this one has passed both factors', async () => {
  const { client, email, bearer, add, confirm } = await newProved(service(), await newClient(service()))
  const other = await client.signIn(email)
  const { body } = await add()
  await confirm(body.factor_id, codeAt(body.secret))
  expectProblem(await client.me(other.access_token), 'invalid_token')
  expect((await client.me(bearer)).status).toBe(200)
})
