/** What several pages of the console are made of: fields, pairs of a name and a value, what was done, the way back. */
import type { Child } from 'hono/jsx'
import { Alert, FormToken, Hidden } from '../../pages/views/fields.tsx'
import { Card } from '../../pages/views/layout.tsx'
import type { Part } from '../../pages/views/part.ts'
import { type Desk, leadsTo } from '../desk.ts'

export type ConsoleField = {
  desk: Desk
  name: string
  label: string
  hint?: string
  value?: string | undefined
  /** What may be chosen; without it anything may be typed. */
  options?: readonly (readonly [value: string, text: string])[]
  /** What is offered, where anything may be typed. */
  offers?: readonly string[]
  type?: 'text' | 'datetime-local' | 'file'
  /** The media types of a file. */
  accept?: string
  isRequired?: boolean
  isFirst?: boolean
}

/** A field with its label. What is wrong with it is read out with it. */
export const Field: Part<ConsoleField> = ({ desk: { screen }, name, label, hint, options, ...field }) => {
  const wrong = screen.wrongWith(name)
  const described = [hint && `${name}-hint`, wrong !== null && `${name}-error`].filter(Boolean).join(' ')
  const common = {
    id: name,
    name,
    'aria-invalid': wrong === null ? undefined : ('true' as const),
    'aria-describedby': described === '' ? undefined : described,
    autofocus: wrong !== null || field.isFirst === true,
  }
  const value = screen.typed(name) ?? field.value
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {hint === undefined ? null : (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {options ? (
        <select {...common}>
          {options.map(([one, text]) => (
            <option value={one} selected={one === (value ?? '')}>
              {text}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...common}
          type={field.type ?? 'text'}
          required={field.isRequired === true}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          list={field.offers ? `${name}-offers` : undefined}
          accept={field.accept}
          value={field.type === 'file' ? undefined : value}
        />
      )}
      {field.offers ? (
        <datalist id={`${name}-offers`}>
          {field.offers.map((one) => (
            <option value={one} />
          ))}
        </datalist>
      ) : null}
      {wrong === null ? null : (
        <p class="error" id={`${name}-error`}>
          {wrong}
        </p>
      )}
    </div>
  )
}

export const Reason: Part<{ desk: Desk; isFirst?: boolean }> = ({ desk, isFirst = true }) => (
  <Field desk={desk} name="reason" label={desk.words.reason} hint={desk.words.reasonHint} isFirst={isFirst} />
)

/** Names and values. What is null is left out. */
export const Facts: Part<{ of: readonly (readonly [name: string, value: Child | null])[] }> = ({ of }) => (
  <dl class="facts">
    {of.map(([name, value]) =>
      value === null ? null : (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ),
    )}
  </dl>
)

export const Moment: Part<{ desk: Desk; at: Date }> = ({ desk, at }) => (
  <time datetime={at.toISOString()}>{desk.moment(at)}</time>
)

/** @param props.texts what was done, by its name in the address */
export const Done: Part<{ desk: Desk; texts: Readonly<Record<string, { done: string }>> }> = ({
  desk: { screen },
  texts,
}) => {
  const what = screen.flow.done?.replaceAll('_', '-')
  return what !== undefined && Object.hasOwn(texts, what) ? <p role="status">{texts[what]?.done}</p> : null
}

export const Back: Part<{ desk: Desk; path: string; to: string }> = ({ desk, path, to }) => (
  <p class="more">
    <a href={leadsTo(desk.screen.flow, path)}>{desk.words.back(to)}</a>
  </p>
)

/** The form that narrows a list: it asks by the address, so that a list can be kept and sent. */
export const Filters: Part<{ desk: Desk; path: string; children?: Child }> = ({ desk, path, children }) => {
  const { ui_locales } = desk.screen.flow
  return (
    <search>
      <form method="get" action={path} class="filters">
        {ui_locales === undefined ? null : <Hidden name="ui_locales" value={ui_locales} />}
        {children}
        <button type="submit">{desk.words.find}</button>
      </form>
    </search>
  )
}

/** The way to the next page of a list, if there is one. */
export const Next: Part<{ desk: Desk; path: string; query: Record<string, string>; next: string | null }> = ({
  desk,
  path,
  query,
  next,
}) =>
  next === null ? null : (
    <p class="more">
      <a rel="next" href={leadsTo(desk.screen.flow, path, { ...query, cursor: next })}>
        {desk.words.next}
      </a>
    </p>
  )

type OneForm = {
  desk: Desk
  heading: string
  lead?: string
  isDangerous?: boolean
  encType?: 'multipart/form-data'
  back: Child
  children?: Child
}

/** The same where there is nothing that it could be done with. */
export const Refused: Part<{ desk: Desk; heading: string; lead: string; back: Child }> = ({
  desk: { screen },
  heading,
  lead,
  back,
}) => (
  <Card>
    <h1>{heading}</h1>
    <p class="lead">{lead}</p>
    <Alert screen={screen} />
    {back}
  </Card>
)

/** A page with one form, that does one thing. */
export const OneForm: Part<OneForm> = ({
  desk: { screen },
  heading,
  lead,
  isDangerous,
  encType,
  back,
  children,
}) => (
  <Card>
    <h1>{heading}</h1>
    {lead === undefined ? null : <p class="lead">{lead}</p>}
    <Alert screen={screen} />
    <form method="post" action={screen.action} enctype={encType} class="narrow">
      <FormToken screen={screen} />
      {children}
      <button type="submit" class={isDangerous ? 'danger' : undefined}>
        {heading}
      </button>
    </form>
    {back}
  </Card>
)
