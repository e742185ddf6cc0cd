// Signing in with an API key. The key is sent once; afterwards the browser holds a cookie that scripts cannot read.

import { signIn } from "./api.js";
import { el, fill } from "./dom.js";
import { field, heading, notice } from "./parts.js";

export function signInPage(main, done) {
  const key = el("input.mono", { type: "password", autocomplete: "current-password", required: true, spellcheck: "false" });
  const said = el("div", { "aria-live": "polite" });
  const submit = async (event) => {
    event.preventDefault();
    try { await signIn(key.value); done(); }
    catch (error) { fill(said, notice("bad", error.status === 401 ? "This key is not known here." : error.message)); key.select(); }
  };
  fill(main, el("div.narrow", {}, heading("Sign in"),
    el("p", {}, "This server answers only who has an API key. ", el("code", {}, "backburner keys create"), " makes one."),
    el("form.card", { on: { submit } },
      field("API key", key, "Starts with bb-. It stays on this server's page for twelve hours, or until you sign out."),
      said, el("div.row", {}, el("button.primary", { type: "submit" }, "Sign in")))));
  key.focus();
}
