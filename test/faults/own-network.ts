/**
 * Lets workerd reach the network itself, as in production. Wrangler's test harness would send every `fetch` of a Worker
 * through Node, where a reset connection becomes an HTTP 500, half an answer becomes one that never ends, and a caller
 * who leaves is not noticed. It has no option for that; all of its configuration passes through this one method.
 */
import { unstable_DevEnv as DevEnv } from 'wrangler'

const { dispatch } = DevEnv.prototype
DevEnv.prototype.dispatch = function (event) {
  if (event.type === 'configUpdate') delete event.config.dev.outboundService
  dispatch.call(this, event)
}
