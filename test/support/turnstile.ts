/**
 * A siteverify as Cloudflare's: it refuses a secret that is missing or wrong, and a token that is missing, that it has not made, that is
 * older than five minutes or that it was asked about before. Or it misbehaves, each widget for itself. What it was asked is kept.
 */
import { randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { LOOPBACK, serveLocally } from '../../dev/local-server.ts'
import type { Service, TestTenant } from './service.ts'

const TOKEN_MS = 300_000

export type TurnstileBehaviour =
  | 'honest'
  | 'hangs'
  | 'cuts'
  | 'floods'
  | 'redirects'
  | { status: number; body: string }

export type Turnstile = Awaited<ReturnType<typeof startTurnstile>>

export async function startTurnstile() {
  const tokens = new Map<string, { secret: string; madeAt: number }>()
  const widgets = new Map<string, { behaviour: TurnstileBehaviour }>()
  const asked: { secret: string | null; token: string | null; fields: string[] }[] = []
  const server = await serveLocally('turnstile', 0, async (request, response) => {
    const fields = new URLSearchParams(await text(request))
    const [secret, token] = [fields.get('secret'), fields.get('response')]
    asked.push({ secret, token, fields: [...fields.keys()] })
    const behaviour = widgets.get(secret ?? '')?.behaviour ?? 'honest'
    if (behaviour === 'hangs') return
    if (behaviour === 'cuts') {
      response.writeHead(200, { 'content-length': 100 }).write('{"success":true')
      response.socket?.destroySoon()
    } else if (behaviour === 'floods')
      response.end(`{"success":true,"error-codes":["${'x'.repeat(20_000)}"]}`)
    else if (behaviour === 'redirects') response.writeHead(307, { location: '/elsewhere' }).end()
    else if (behaviour === 'honest') {
      const codes = wrongWith(secret, token)
      response.writeHead(codes.length === 0 ? 200 : statusOf(codes), { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ success: codes.length === 0, 'error-codes': codes, hostname: 'localhost' }),
      )
    } else response.writeHead(behaviour.status).end(behaviour.body)
  })

  function wrongWith(secret: string | null, token: string | null): string[] {
    if (!secret) return ['missing-input-secret']
    if (!widgets.has(secret)) return ['invalid-input-secret']
    if (!token) return ['missing-input-response']
    const made = tokens.get(token)
    if (made?.secret !== secret) return ['invalid-input-response']
    tokens.set(token, { ...made, madeAt: 0 }) // asked about once
    return Date.now() - made.madeAt > TOKEN_MS ? ['timeout-or-duplicate'] : []
  }

  /** A widget, as the dashboard of Cloudflare makes one. */
  function newWidget() {
    const secret = `0x${randomBytes(16).toString('hex')}`
    const widget: { behaviour: TurnstileBehaviour } = { behaviour: 'honest' }
    widgets.set(secret, widget)
    /** What the widget gives a page whose visitor passed, so long ago. */
    const pass = (agoMs = 0): string => {
      const token = `0.${randomBytes(24).toString('base64url')}`
      tokens.set(token, { secret, madeAt: Date.now() - agoMs })
      return token
    }
    return {
      siteKey: `0x4AAA${randomBytes(8).toString('hex')}`,
      secret,
      pass,
      behave: (behaviour: TurnstileBehaviour) => {
        widget.behaviour = behaviour
      },
      asked: () => asked.filter((one) => one.secret === secret),
    }
  }

  return { url: `http://${LOOPBACK}:${server.port}/turnstile/v0/siteverify`, newWidget, stop: server.stop }
}

const statusOf = ([code = '']: string[]) => (/^missing-/.test(code) ? 400 : 200)

/** The key of a widget in a tenant's settings, without its secret. */
export const plantSiteKey = ({ sql }: Pick<Service, 'sql'>, { id }: TestTenant, siteKey: string) =>
  sql(
    `update tenants set settings = settings || jsonb_build_object('turnstile_site_key', $2::text) where id = $1`,
    [id, siteKey],
  )
