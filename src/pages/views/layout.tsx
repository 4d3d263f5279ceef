/**
 * The frame of every page. hono/jsx escapes every text and attribute; what is raw here is our own style and script.
 * Loaded when a page is rendered and not before, because Node, which reads the route table from our code, knows no JSX.
 */
import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { Context } from '../../context.ts'
import { logoPath } from '../../tenants/logo.ts'
import { SCRIPT } from '../script.ts'
import { stylesOf } from '../style.ts'
import type { Part } from './part.ts'
import { TURNSTILE_SCRIPT } from './turnstile.tsx'

export type Framed = {
  tag: string
  heading: string
  /** Its name, its colour and the version of its logo, where they are known. */
  tenant: Pick<Context['tenant'], 'name' | 'colour' | 'logo'>
  content: Child
  hasScript: boolean
  /** Whether the widget of Turnstile is on it. */
  asksHuman?: boolean
  /** For pages with lists. */
  isWide: boolean
  /** Below it: the pages beside this one. Such a page is as wide as its window allows. */
  nav: Child
  /** Beside the tenant's name: what leads away from here. */
  top: Child
  /** Below the page. */
  foot: Child
}

export function renderFrame({
  tag,
  heading,
  tenant,
  content,
  hasScript,
  asksHuman = false,
  isWide,
  nav,
  top,
  foot,
}: Framed): string {
  const page = (
    <html lang={tag}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>{tenant.name === null ? heading : `${heading} – ${tenant.name}`}</title>
        {stylesOf(tenant.colour).map((style) => (
          <style>{raw(style)}</style>
        ))}
      </head>
      <body class={nav ? 'wide console' : isWide ? 'wide' : undefined}>
        {tenant.name === null && !top ? null : (
          <header class="top">
            <p class="tenant">
              {tenant.logo === null ? tenant.name : <Logo name={tenant.name} version={tenant.logo} />}
            </p>
            {top}
          </header>
        )}
        {nav}
        <main>{content}</main>
        {foot ? <footer class="foot">{foot}</footer> : null}
        {hasScript ? <script>{raw(SCRIPT)}</script> : null}
        {asksHuman ? <script src={TURNSTILE_SCRIPT} async defer /> : null}
      </body>
    </html>
  )
  return `<!doctype html>${page.toString()}`
}

/** In place of the tenant's name, which it is read out as, and which is there where it is not shown. */
export const Logo: Part<{ name: string | null; version: string }> = ({ name, version }) => (
  <img class="logo" src={logoPath(version)} alt={name ?? ''} />
)

export const Card: Part = ({ children }) => <div class="card">{children}</div>
