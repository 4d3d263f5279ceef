import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

/** Two kinds of test: inside workerd (`*.workerd.test.ts`), and from outside, speaking HTTP to workerd. */
export default defineConfig({
  test: {
    // The default leaves a core to watch mode; on two cores that would be one worker, and most of a test is waiting.
    maxWorkers: '100%',
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
        test: { name: 'workerd', include: ['test/**/*.workerd.test.ts'] },
      },
      {
        test: {
          name: 'http',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.workerd.test.ts'],
          globalSetup: ['test/support/stack.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
