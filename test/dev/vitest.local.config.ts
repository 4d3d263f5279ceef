import { defineConfig } from 'vitest/config'
export default defineConfig({ test: { include: ['test/dev/*.test.ts'], environment: 'node' } })
