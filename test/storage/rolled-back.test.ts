/**
 * What PostgreSQL undid for the sake of another statement (40P01, 40001) is sent once more, because nothing of it has
 * happened; then it is 503. And a batch decides under READ COMMITTED whatever the database's default is.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { whileHeld } from '../support/attempts.ts'
import { countBy, newClient, race } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { useService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'

const service = useService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

/** From here on the first `times` statements that touch a session are undone by PostgreSQL. */
async function undoing(sqlState: string, times: number): Promise<void> {
  await service().sql(`
    create sequence undone; -- a sequence is the one thing that no rollback takes back
    create function undo() returns trigger language plpgsql as $$ begin
      if nextval('undone') <= ${times} then raise exception using errcode = '${sqlState}'; end if;
      return new;
    end $$;
    create trigger undo before insert or update on sessions for each row execute function undo()`)
}

afterEach(async () => {
  await service().sql('drop function if exists undo cascade; drop sequence if exists undone')
})

describe.each(['40P01', '40001'])('accounts 15: SQLSTATE %s', (sqlState) => {
  test('once is repeated, and the caller sees nothing of it: a statement, and a batch', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    await undoing(sqlState, 1)
    const signedIn = await client.login(email)
    expect({ status: signedIn.status, trips: signedIn.trips.postgres }).toEqual({ status: 200, trips: 3 })
    await service().sql('alter sequence undone restart')
    const refreshed = await client.refresh(tokens.refresh_token)
    expect({ status: refreshed.status, trips: refreshed.trips.postgres }).toEqual({ status: 200, trips: 2 })
    expect((await client.refresh(refreshed.body.refresh_token)).status).toBe(200)
    // The registration's and this one: what was undone left nothing.
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'session.started': 2 })
  })

  test('twice is 503 with Retry-After, and the caller stays signed in', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    await undoing(sqlState, 2)
    const answer = await client.refresh(tokens.refresh_token)
    expectProblem(answer, 'upstream_unavailable')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200)
  })
})

test('accounts 15: 50 refreshes at once of one token are one rotation where the default is SERIALIZABLE', {
  timeout: 60_000,
}, async () => {
  const client = await newClient(service())
  const { tokens } = await client.signUp()
  const { sql, database } = service()
  await sql(`alter database ${database} set default_transaction_isolation = 'serializable'`)
  try {
    // Connections that are there already keep the default that they began with.
    await sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'neon-endpoint'`,
      [database],
    )
    const held = {
      text: 'select id from sessions where id = $1 for update',
      values: [tokens.session.id],
      waiting: 50,
    }
    const answers = await whileHeld(service(), held, () =>
      race(50, () => client.refresh(tokens.refresh_token)),
    )
    expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 50 })
    expect(countBy(answers, ({ trips }) => trips.postgres)).toEqual({ 1: 50 })
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
  } finally {
    await sql(`alter database ${database} reset default_transaction_isolation`)
  }
})
