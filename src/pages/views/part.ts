/** A part of a page: a function that a view calls, or an element of another part. */
import type { Child } from 'hono/jsx'
import type { JSX } from 'hono/jsx/jsx-runtime'

export type Part<Props = object> = (props: Props & { children?: Child }) => JSX.Element | null
