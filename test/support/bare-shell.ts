/** The environment of a shell that exports nothing of ours, for the commands that a test runs in a process of their own. */
const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env

/** The cache (vitest.config.ts) is the reason why such a command does not take a second to start. */
export const BARE_SHELL = { PATH, HOME, NODE_COMPILE_CACHE }
