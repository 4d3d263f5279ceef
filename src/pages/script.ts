/**
 * The script of the pages, which do everything but passkeys without it: shows a password, sends a form once, and uses passkeys by
 * the browser's own functions. It reads no cookie and keeps nothing.
 */
export const SCRIPT = `
const all = (selector, does) => document.querySelectorAll(selector).forEach(does)

all('[data-shows]', (button) => {
  const field = document.getElementById(button.dataset.shows)
  const { show, hide } = button.dataset
  button.hidden = false
  button.onclick = () => {
    const shown = field.type === 'text'
    field.type = shown ? 'password' : 'text'
    button.textContent = shown ? show : hide
    button.setAttribute('aria-pressed', String(!shown))
  }
})

all('form', (form) => form.addEventListener('submit', (event) => {
  if (form.dataset.sent) return event.preventDefault()
  form.dataset.sent = 'yes'
  all('[data-shows]', ({ dataset }) => { document.getElementById(dataset.shows).type = 'password' })
  event.submitter?.setAttribute('aria-busy', 'true')
  setTimeout(again, 8000, form)
}))
const again = (form) => {
  delete form.dataset.sent
  form.querySelectorAll('[aria-busy]').forEach((button) => button.removeAttribute('aria-busy'))
}
all('[data-renews]', (form) => fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)), redirect: 'manual' }).catch(() => {}))
addEventListener('pageshow', () => all('form', again))

// Back from a provider: a second step is next.
const { mfa_token: step, methods, status } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
all('[data-step]', (form) => {
  if (!step) return
  history.replaceState(null, '', location.pathname + location.search)
  form.elements.mfa_token.value = step
  form.elements.methods.value = methods
  form.elements.status.value = status
  form.submit()
})

let waiting
const usePasskey = async (form, rest) => {
  waiting?.abort()
  waiting = new AbortController()
  const { options, json, passkey } = form.dataset
  const body = json ?? new URLSearchParams(new FormData(form))
  const headers = json ? { 'content-type': 'application/json' } : {}
  const answer = await fetch(options, { method: 'POST', headers, body })
  if (answer.redirected) return location.assign(answer.url)
  if (!answer.ok) throw new Error('refused')
  const asked = await answer.json()
  const publicKey = passkey === 'create'
    ? PublicKeyCredential.parseCreationOptionsFromJSON(asked)
    : PublicKeyCredential.parseRequestOptionsFromJSON(asked)
  const made = await navigator.credentials[passkey]({ publicKey, signal: waiting.signal, ...rest })
  form.elements.credential.value = JSON.stringify(made.toJSON())
  form.querySelectorAll('[data-copies]').forEach((field) => { field.value = document.getElementById(field.dataset.copies).checked ? 'on' : '' })
  form.submit()
}
if (globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON)
  all('[data-passkey]', (form) => {
    const failed = form.querySelector('[data-failed]')
    form.hidden = false
    form.querySelector('button').onclick = () => {
      failed.textContent = ''
      usePasskey(form, {}).catch(() => { failed.textContent = failed.dataset.failed })
    }
    if (form.dataset.conditional)
      PublicKeyCredential.isConditionalMediationAvailable?.()
        .then((isThere) => isThere && usePasskey(form, { mediation: 'conditional' }))
        .catch(() => {})
  })
`
