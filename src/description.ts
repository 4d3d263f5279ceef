/** What an operation says of itself: all that a caller, a document and a test need to know of it (operation.ts serves it). */
import type * as v from 'valibot'
import type { LimitedOperation } from './limits/limits.ts'
import type { Permission } from './permissions.ts'
import type { RefusalCode } from './problem.ts'

/** How old an authentication may be for what needs a fresh one. */
export const STEP_UP_SECONDS = 600

export type BodySchema = v.GenericSchema<Record<string, unknown>, unknown>
export type FormSchema = v.GenericSchema<Record<string, string | undefined>, unknown>
export type QuerySchema = v.GenericSchema<Record<string, string | undefined>, unknown>

/** JSON of this schema; `null` for no body; or a schema for each media type, where it is not JSON alone. */
export type Answer = v.GenericSchema | null | { [mediaType: `${string}/${string}`]: v.GenericSchema }

export type Description = Described &
  (
    | {
        caller: 'admin'
        /** What they must be allowed (src/permissions.ts). */
        permission: Permission
        /** Whether an API key may be allowed it: never where step-up is needed, nor for what secures an account. */
        takesKeys?: true
      }
    | { caller: 'anyone' | 'session' | 'user'; permission?: never; takesKeys?: never }
  )

type Described = {
  /** Also the name of the file, of its export, of its test and, unless `limits` says otherwise, of its row of LIMITS. */
  id: string
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** As Hono reads it: `/v1/sessions/:id`. */
  path: `/${string}`
  /** A JSON object. */
  body?: BodySchema
  /** Where that is more than any other body may have (http/body.ts). */
  maxBodyBytes?: number
  /** No body counts as `{}`: for what a cookie or a bearer token can authorise alone (http/body.ts). */
  bodyIsOptional?: true
  /** What a page of ours posts, instead of JSON (http/form.ts). */
  form?: FormSchema
  /** The field of that form that a file may be chosen for: then it is posted in several parts, and the schema has the file as a data URL. */
  formFile?: string
  /** For what a page of another site posts: then something in the form has to prove that this browser is meant. */
  formIsForeign?: true
  query?: QuerySchema
  /** What success looks like, by status. */
  answers: Record<number, Answer>
  /** Headers that a successful answer may carry besides those of every answer. */
  answerHeaders?: readonly ('set-cookie' | 'location' | 'content-disposition' | 'content-language')[]
  /** What it refuses besides what `body`, `query`, `caller`, `stepUp`, `idempotencyKey` and its limits bring with them. */
  refusals: readonly RefusalCode[]
  /** `user` and `admin` present an access token; `session` a refresh token, in the body or in the cookie. */
  caller: 'anyone' | 'session' | 'user' | 'admin'
  /** Whether the caller must have authenticated within the last minutes (RFC 9470). */
  stepUp?: true
  /** Whether it takes `Idempotency-Key`. */
  idempotencyKey?: true
  /** Its row of LIMITS, where that is not `id`. */
  limits?: LimitedOperation
  /** Whether what it refuses is a page too, for a person to read. */
  isPage?: true
  /** Whether it is no page, and what it refuses is one all the same for who asks for HTML (pages/bare.ts). */
  isReadByPeople?: true
  /** Round trips of a call that succeeds where the edge keeps the caller's key, and password hashes. A test counts them. */
  budget: { redis: 0 | 1; postgres: number; hashes?: number }
}
