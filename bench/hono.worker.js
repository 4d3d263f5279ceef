/** What a Worker with Hono and nothing of ours takes to start. */
import { Hono } from 'hono'

export default new Hono()
