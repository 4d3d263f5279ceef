/**
 * The page's script: signs in at the service with `latchkey/client`, and calls our own API. The refresh token is in a cookie that no
 * script can read; the access token is in memory alone.
 */
import { createClient, createSession } from 'latchkey/client'

const issuer = document.querySelector<HTMLMetaElement>('meta[name=issuer]')?.content ?? ''
const ENDED = 'Your session has ended. Sign in again.'

const client = createClient({ baseUrl: issuer, credentials: 'include' })
const session = createSession({ issuer })

/** @throws where the document (document.ts) has no such element */
function element<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id)
  if (!found) throw new Error(`there is no #${id}`)
  return found as E // the caller knows its own document
}

const says = element('says')
const signInForm = element<HTMLFormElement>('sign-in')
const notes = element('notes')

/** Calls our API as the person who is signed in. @returns null when no one is */
async function callApi(path: string, init: RequestInit = {}): Promise<Response | null> {
  for (const isLast of [false, true]) {
    const token = await session.getAccessToken()
    if (token === null) return null
    const response = await fetch(path, { ...init, headers: { authorization: `Bearer ${token}` } })
    if (response.status !== 401 || isLast) return response
    // The token is over, or the session has ended: a refresh tells which.
    session.forget()
  }
  return null
}

async function showNotes(whenSignedOut: string): Promise<void> {
  const response = await callApi('/api/notes')
  notes.hidden = response === null
  signInForm.hidden = response !== null
  if (response === null) says.textContent = whenSignedOut
  else if (!response.ok) says.textContent = 'Your notes cannot be shown at the moment.'
  else {
    const { data } = (await response.json()) as { data: string[] }
    says.textContent = data.length === 0 ? 'No notes yet.' : ''
    element('list').replaceChildren(...data.map(listItem))
  }
}

function listItem(text: string): HTMLElement {
  const item = document.createElement('li')
  item.textContent = text
  return item
}

async function signIn(submitter: HTMLElement | null): Promise<void> {
  const form = new FormData(signInForm)
  const body = {
    email: String(form.get('email')),
    password: String(form.get('password')),
    transport: 'cookie' as const,
  }
  const path = submitter?.getAttribute('value') === 'register' ? '/v1/register' : '/v1/login'
  const { data, error } = await client.POST(path, { body })
  if (error) says.textContent = error.detail ?? error.title
  else if (data && 'access_token' in data) {
    session.use(data)
    signInForm.reset()
    await showNotes('')
  } else {
    // A second factor, or an address to be confirmed: the hosted pages have both.
    location.assign(`${issuer}/sign-in`)
  }
}

async function addNote(form: HTMLFormElement): Promise<void> {
  const response = await callApi('/api/notes', {
    method: 'POST',
    body: String(new FormData(form).get('text')),
  })
  if (response && !response.ok) says.textContent = 'The note was not added. Try again.'
  else {
    if (response) form.reset()
    await showNotes(ENDED)
  }
}

async function signOut(): Promise<void> {
  await client.POST('/v1/logout', { body: {} })
  session.forget()
  await showNotes('You are signed out.')
}

/** What goes wrong on the way is said, and nothing is lost. */
const run = (work: () => Promise<void>) =>
  work().catch(() => {
    says.textContent = 'That did not work. Check your connection and try again.'
  })

signInForm.addEventListener('submit', (event) => {
  event.preventDefault()
  void run(() => signIn(event.submitter))
})
const addForm = element<HTMLFormElement>('add')
addForm.addEventListener('submit', (event) => {
  event.preventDefault()
  void run(() => addNote(addForm))
})
element('reload').addEventListener('click', () => run(() => showNotes(ENDED)))
element('sign-out').addEventListener('click', () => run(signOut))
void run(() => showNotes('Sign in, or create an account.'))
