import { createRedisEngine } from '../../dev/redis/engine.ts'
import { connectRedisServer } from '../../dev/redis/server-client.ts'
import { startRedisServer } from '../../dev/redis-server.ts'
import { alike, canonical, perform, type Step } from './redis-comparison.ts'
import { createRandom } from './random.ts'
import { createRandomCommands } from './redis-commands.ts'
const server = (await startRedisServer())!
const genuine = await connectRedisServer(server.url)
const seen = new Set<string>(); let total = 0, bad = 0
const [from, to, n] = process.argv.slice(2).map(Number)
const t = performance.now()
for (let seed = from!; seed < to!; seed++) {
  const engine = await createRedisEngine()
  await genuine.exec(['FLUSHALL']); await genuine.exec(['SCRIPT', 'FLUSH'])
  const random = createRandom(seed); const commands = createRandomCommands(random)
  for (let done = 0; done < n!; done += 100) {
    const chunk: Step[] = Array.from({ length: 100 }, () => random.chance(0.05) ? { transaction: commands.transaction() } : { command: commands.command() })
    const [a, b] = await Promise.all([Promise.all(chunk.map((s) => perform(engine, s))), Promise.all(chunk.map((s) => perform(genuine, s)))])
    for (const s of chunk) total += 'command' in s ? 1 : s.transaction.length
    const i = chunk.findIndex((s, i) => !alike(s, a[i]!, b[i]!))
    if (i >= 0) {
      bad++; const s = chunk[i]!; const k = JSON.stringify('command' in s ? [s.command[0], canonical('', b[i]!).slice(0, 12)] : 'tx')
      if (!seen.has(k)) { seen.add(k); console.log('DIFF', JSON.stringify(s), '\n  ours  ', canonical('', a[i]!), '\n  theirs', canonical('', b[i]!)) }
      await genuine.exec(['FLUSHALL']); await engine.exec(['FLUSHALL']); await genuine.exec(['SCRIPT', 'FLUSH']);await engine.exec(['SCRIPT', 'FLUSH'])
    }
  }
}
console.log(total, 'commands', bad, 'differences', Math.round(performance.now() - t), 'ms')
await genuine.close(); await server.stop()
