import { availableParallelism } from 'node:os'
import path from 'node:path'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { writeArgon2 } from './ops/extract-argon2.js'
import { SETTING_NAMES } from './src/settings.ts'
import { LongestFirst } from './test/support/longest-first.ts'

// Tests import the binaries themselves, and a checkout may have been installed before they were generated.
writeArgon2()

// What the shell exported for a deployment would win over the tests' own addresses (ops/child-environment.ts).
for (const name of SETTING_NAMES) delete process.env[name]

// A run starts some hundred processes of Node, which load the same modules: only the first compiles them.
process.env.NODE_COMPILE_CACHE ??= path.resolve('node_modules/.cache/compiled')

/** About Neon's driver as it comes: in a process of its own, because drizzle-orm replaces the driver's parsers in every module. */
const DRIVER = 'test/dev/neon-endpoint.test.ts'

/**
 * Three kinds of test: inside workerd (`*.workerd.test.ts`), from outside, speaking HTTP to workerd, and the shape of
 * the code itself, which needs neither and belongs to `npm run check`.
 */
export default defineConfig({
  test: {
    // Much of a test is waiting for a deadline or another process, so that more files than cores are under way: as a number,
    // because vitest takes no more than 100 % of them.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        plugins: [
          cloudflareTest({
            miniflare: {
              compatibilityDate: '2026-10-20',
              modulesRules: [
                { type: 'CompiledWasm', include: ['**/*.wasm'] },
                { type: 'Text', include: ['**/*.txt'] },
              ],
            },
          }),
        ],
        // One workerd for all of them. What is dear to compute takes seconds beside three other files.
        test: {
          name: 'workerd',
          include: ['test/**/*.workerd.test.ts'],
          isolate: false,
          testTimeout: 60_000,
        },
      },
      {
        test: { name: 'architecture', include: ['test/architecture/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        test: {
          name: 'http',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.workerd.test.ts', 'test/architecture/**', DRIVER],
          // A process loads the modules once, not once a file. Files share nothing else: what a file changes in a module, it gives back.
          isolate: false,
          globalSetup: ['test/support/stack.ts'],
          // For what hangs. A machine that is busy with three files takes its time, and is no failure.
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      { test: { name: 'driver', include: [DRIVER] } },
    ],
  },
})
