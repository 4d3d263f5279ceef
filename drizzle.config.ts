import { defineConfig } from 'drizzle-kit'

/** `npm run migration` writes the next SQL file from the schema; review it before it is committed. */
export default defineConfig({ dialect: 'postgresql', schema: './src/storage/schema.ts', out: './migrations' })
