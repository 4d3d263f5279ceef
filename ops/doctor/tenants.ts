/** Each tenant: its settings, its administrators, and whether its hosts lead to this deployment. */
import http from 'node:http'
import { text } from 'node:stream/consumers'
import * as v from 'valibot'
import { findAdministrators } from '../../src/access/roles-store.ts'
import { findTenantsWithHosts } from '../../src/tenants/tenant-store.ts'
import { wrongSettings } from '../../src/tenants/tenants.ts'
import type { OperatorContext } from '../context.ts'
import { type Check, type Finding, ok, warning, wrong } from './finding.ts'

const DEADLINE_MS = 5_000
/** Access tokens are checked with little tolerance. */
const MAX_SKEW_SECONDS = 30
const MAX_BYTES = 100_000

type Stored = Awaited<ReturnType<typeof findTenantsWithHosts>>[number]
type Looks = Pick<OperatorContext, 'db' | 'now'>

export const tenantChecks: Check[] = [
  {
    part: 'tenants',
    needs: ['DATABASE_URL'],
    look: async (ctx) => {
      const tenants = await findTenantsWithHosts(ctx, null)
      if (tenants.length === 0)
        return [wrong('there is none', 'run npm run tenants -- add <slug> --issuer https://…')]
      const findings: Finding[] = []
      // One after another: a deployment has few, and a burst from one address would meet our own limits.
      for (const tenant of tenants) findings.push(...(await lookAt(ctx, tenant)))
      return findings
    },
  },
]

async function lookAt(ctx: Looks, tenant: Stored): Promise<Finding[]> {
  const { slug, issuer, settings } = tenant
  const wrongNames = wrongSettings(settings)
  const administrators = await findAdministrators(ctx, tenant.id)
  const hosts: Finding[] = []
  for (const host of tenant.hosts) hosts.push(...(await askHost(ctx, tenant, host)))
  return [
    ...wrongNames.map((name) =>
      wrong(
        `${slug}: the setting ${name} is not valid, so its default counts`,
        `npm run tenants -- set ${slug} ${name}=…`,
      ),
    ),
    ...(tenant.hosts.includes(new URL(issuer).host)
      ? []
      : [
          wrong(
            `${slug}: it does not answer at the host of its issuer`,
            `npm run tenants -- hosts ${slug} add ${new URL(issuer).host}`,
          ),
        ]),
    ...(administrators.some(({ status }) => status === 'active')
      ? []
      : [warning(`${slug}: no one administers it`, `npm run admins -- add <address> --tenant ${slug}`)]),
    ...hosts,
  ]
}

/** What a client of the tenant asks first: the keys that verify its tokens, and whether the deployment is ready. */
async function askHost(ctx: Looks, { slug, issuer }: Stored, host: string): Promise<Finding[]> {
  const origin = `${new URL(issuer).protocol}//${host}`
  const document = await ask(`${origin}/.well-known/openid-configuration`)
  if ('problem' in document)
    return [
      wrong(
        `${slug}: ${host} ${document.problem}`,
        `point its DNS at the Workers, and give them a route for ${host}`,
      ),
    ]
  const metadata = v.safeParse(v.object({ issuer: v.string() }), document.json)
  if (!metadata.success || metadata.output.issuer !== issuer)
    return [
      wrong(
        `${slug}: ${host} is answered by another service, or by another tenant`,
        'look at the routes of its zone',
      ),
    ]
  const jwks = await ask(`${origin}/.well-known/jwks.json`)
  const kids = v.safeParse(
    v.object({ keys: v.array(v.object({ kid: v.string() })) }),
    'json' in jwks ? jwks.json : null,
  )
  const skew = Math.round((document.date - ctx.now().getTime()) / 1000)
  return [
    kids.success && kids.output.keys.length > 0
      ? ok(
          `${slug}: ${host} answers, and its tokens verify with ${kids.output.keys.map(({ kid }) => kid).join(', ')}`,
        )
      : wrong(
          `${slug}: ${host} shows no keys, so no token verifies`,
          'run npm run doctor with SIGNING_SEAL_KEYS',
        ),
    ...(Math.abs(skew) > MAX_SKEW_SECONDS
      ? [
          warning(
            `${slug}: the clock of ${host} is ${skew} s from that of this machine`,
            'set the clock of this machine, e.g. by NTP',
          ),
        ]
      : []),
  ]
}

type Answer = { json: unknown; date: number } | { problem: string }

/** Redirects are not followed: a host that leads elsewhere is not ours. */
async function ask(url: string): Promise<Answer> {
  const signal = AbortSignal.timeout(DEADLINE_MS)
  try {
    const { status, body, date } = await get(url, signal)
    if (status !== 200) return { problem: `answers ${status}` }
    return { json: JSON.parse(body.slice(0, MAX_BYTES)), date: Date.parse(date ?? '') || Date.now() }
  } catch (error) {
    if (error instanceof SyntaxError) return { problem: 'does not answer with JSON' }
    return {
      problem: signal.aborted ? `does not answer within ${DEADLINE_MS / 1000} s` : 'cannot be reached',
    }
  }
}

type Got = { status: number; body: string; date: string | null | undefined }

/** Names below `.localhost` are this machine (RFC 6761 §6.3), also where its resolver does not say so. `fetch` lets no one say which host is meant. */
async function get(url: string, signal: AbortSignal): Promise<Got> {
  const { hostname, host, port, pathname } = new URL(url)
  if (!hostname.endsWith('.localhost')) {
    const response = await fetch(url, { redirect: 'manual', signal })
    return { status: response.status, body: await response.text(), date: response.headers.get('date') }
  }
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: pathname, headers: { host }, signal }
    http.get(options, resolve).once('error', reject)
  })
  return { status: response.statusCode ?? 0, body: await text(response), date: response.headers.date }
}
