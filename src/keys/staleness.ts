/** How long who verifies may go on with a JWKS from before a change. */
import { PUBLIC_SECONDS } from '../http/answer.ts'

/** How long a location answers from its copy without asking the database. */
export const JWKS_EDGE_SECONDS = 60

/** Our edge's copy, and then the verifier's own, when it obeys `max-age`. */
export const JWKS_STALE_SECONDS = JWKS_EDGE_SECONDS + PUBLIC_SECONDS
