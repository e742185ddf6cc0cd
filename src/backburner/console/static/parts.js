// Pieces that several pages are made of.

import { el, fill, say, tell } from "./dom.js";
import { count, percent } from "./words.js";

const WORDS = {
  PENDING: ["waiting", "Waiting"], RUNNING: ["running", "Running"], FINALIZING: ["running", "Finishing"],
  SUCCEEDED: ["good", "Succeeded"], FAILED: ["bad", "Failed"], CANCELLED: ["off", "Cancelled"],
  EXPIRED: ["off", "Expired"], HELD: ["held", "Held"],
  up: ["good", "Up"], starting: ["waiting", "Starting"], down: ["bad", "Down"],
};

// A state as a word with a dot of its colour.
export function stateMark(state) {
  const node = el("span.state", {}, el("i.dot", { "aria-hidden": "true" }), el("span"));
  updateState(node, state);
  return node;
}

export function updateState(node, state) {
  const [kind, word] = WORDS[state] ?? ["off", state];
  node.dataset.kind = kind;
  say(node.lastChild, word);
}

// The state a person cares for: a held job runs nothing once its canary is through.
export const stateOf = (job) =>
  job.held && job.state === "RUNNING" && /approv|hold|held/i.test(job.waiting_reason) ? "HELD" : job.state;

export function bar(label) {
  const good = el("span.good"), bad = el("span.bad");
  const node = el("div.bar", { role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, good, bad);
  return {
    node,
    update({ counts, progress, state }) {
      const total = Math.max(1, counts.total);
      good.style.width = `${(100 * counts.succeeded) / total}%`;
      bad.style.width = `${(100 * counts.failed) / total}%`;
      node.setAttribute("aria-valuenow", Math.floor(progress * 100));
      node.setAttribute("aria-valuetext", `${percent(progress)}, ${count(counts.failed)} failed`);
      node.dataset.live = state === "RUNNING" || state === "FINALIZING";
    },
  };
}

export const button = (text, act, kind = "") =>
  el(`button${kind ? "." + kind : ""}`, { type: "button", on: { click: act } }, text);

// A button that is off while what it does is under way, and says what went wrong.
export function doing(text, act, kind = "") {
  const node = button(text, async () => {
    node.disabled = true;
    try { await act(); } catch (error) { tell(error.message, true); } finally { node.disabled = false; }
  }, kind);
  return node;
}

export const heading = (text) => el("h1", { tabIndex: -1 }, text);

export const notice = (kind, ...children) => el(`div.notice.${kind}`, { role: kind === "bad" ? "alert" : null }, ...children);

export const nothing = (title, ...more) => el("div.nothing", {}, el("p.strong", {}, title), ...more);

// Asks before what cannot be undone. Escape and "Keep" mean no.
export function sure(question, detail, yes) {
  return new Promise((resolve) => {
    const keep = el("button", { type: "submit", value: "no" }, "Keep it");
    const dialog = el("dialog", { "aria-labelledby": "sure-title" },
      el("form", { method: "dialog" },
        el("h2", { id: "sure-title" }, question), el("p", {}, detail),
        el("div.row.end", {}, keep, el("button.danger", { type: "submit", value: "yes" }, yes))));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
    keep.focus();
  });
}

// Code in several languages with a button that copies it.
export function codeTabs(samples) {
  const pre = el("pre", { tabIndex: 0 }, el("code"));
  const copy = button("Copy", async () => {
    try { await navigator.clipboard.writeText(pre.textContent); tell("Copied"); }
    catch { getSelection().selectAllChildren(pre); tell("Selected; copy it with the keyboard"); }
  }, "quiet");
  const tabs = Object.entries(samples).map(([name, text]) => button(name, () => choose(name, text), "tab"));
  function choose(name, text) {
    for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.textContent === name));
    fill(pre.firstChild, text);
    pre.setAttribute("aria-label", name);
  }
  choose(...Object.entries(samples)[0]);
  return el("div.code", {}, el("div.row", { role: "group", "aria-label": "Language" }, tabs, el("span.gap"), copy), pre);
}

export const field = (label, control, hint) => {
  control.id ||= `field-${(field.made = (field.made ?? 0) + 1)}`;
  const words = hint ? el("span.hint", { id: `${control.id}-hint` }, hint) : null;
  if (words) control.setAttribute("aria-describedby", words.id);
  return el("div.field", {}, el("label", { htmlFor: control.id }, label), control, words);
};

export const tick = (label, control, hint) =>
  el("label.tick", {}, control, el("span", {}, el("span", {}, label), hint ? el("span.hint", {}, hint) : null));

// A link that downloads. A plain link carries the cookie only where browsers say who asks (api/sessions.py);
// elsewhere the bytes come by fetch first.
export function downloadLink(file, name, text, fetched) {
  const path = `/download/v1beta/${file}:download?alt=media`;
  if (isSecureContext) return el("a.button", { href: path, download: name }, text);
  return doing(text, async () => {
    const url = URL.createObjectURL(await (await fetched(path)).blob());
    el("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  });
}
