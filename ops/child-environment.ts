/**
 * The environment of a child process that must run on what we give it alone. wrangler lets the process environment win
 * over `--env-file` and `--var` wherever a `[secrets]` table is declared, so the shell's DATABASE_URL would reach a Worker.
 */
import { SETTING_NAMES } from '../src/settings.ts'

/** `env` without every name that is a setting or a secret of ours. */
export function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !SETTING_NAMES.includes(name.toUpperCase())),
  )
}
