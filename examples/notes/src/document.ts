/** The page as it is before its script (page.ts) runs. */
import { html } from 'hono/html'

export const renderDocument = (issuer: string) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="issuer" content="${issuer}">
    <title>Notes</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/style.css">
    <script type="module" src="/page.js"></script>
  </head>
  <body>
    <main>
      <h1>Notes</h1>
      <p id="says" role="status"></p>
      <form id="sign-in" hidden>
        <label>Email <input name="email" type="email" autocomplete="username" required></label>
        <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
        <button value="login">Sign in</button>
        <button value="register">Create account</button>
      </form>
      <section id="notes" hidden>
        <form id="add">
          <label>New note <input name="text" maxlength="160" required></label>
          <button>Add</button>
        </form>
        <ul id="list"></ul>
        <button id="reload" type="button">Reload</button>
        <button id="sign-out" type="button">Sign out</button>
      </section>
    </main>
  </body>
</html>`
