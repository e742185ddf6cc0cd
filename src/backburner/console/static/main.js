// Which page is shown, and who is signed in. Pages are functions: (main, parts of the path, signal that ends them).

import { session, signOut, whenSignedOut } from "./api.js";
import { el, fill, tell } from "./dom.js";
import { heading } from "./parts.js";
import { enginesPage } from "./page_engines.js";
import { filesPage } from "./page_files.js";
import { jobPage } from "./page_job.js";
import { jobsPage } from "./page_jobs.js";
import { newPage } from "./page_new.js";
import { signInPage } from "./page_sign_in.js";

const PAGES = { jobs: jobsPage, new: newPage, engines: enginesPage, files: filesPage };
const main = document.getElementById("main");
const leave = document.getElementById("sign-out");
let current = new AbortController();
let first = true;

function parts() {
  return location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
}

async function show() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const [name = "jobs", id] = parts();
  mark(name);
  const who = await session().catch((error) => ({ error }));
  if (signal.aborted) return;
  if (who.error) return broken(who.error);
  leave.hidden = !(who.required && who.tenant);
  fill(main);
  if (who.required && !who.tenant) signInPage(main, show);
  else if (name === "jobs" && id) jobPage(main, id, signal);
  else (PAGES[name] ?? jobsPage)(main, signal);
  const title = main.querySelector("h1");
  document.title = title ? `${title.textContent} · Backburner` : "Backburner";
  if (!first && !main.contains(document.activeElement)) { title?.focus(); scrollTo(0, 0); }
  first = false;
}

function mark(name) {
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function broken(error) {
  fill(main, heading("Not to be reached"), el("p", {}, error.message),
    el("p", {}, el("button", { type: "button", on: { click: show } }, "Try again")));
}

addEventListener("hashchange", show);
document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
leave.addEventListener("click", async () => { await signOut(); tell("Signed out"); show(); });
whenSignedOut(() => show());
show();
