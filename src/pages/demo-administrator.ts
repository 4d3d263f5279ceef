/** The account that `npm run dev` makes, so that the console can be opened at once. No deployment has it: only the local stack is seeded. */
export const DEMO_ADMINISTRATOR = { email: 'admin@example.com', password: 'local console demo' }
