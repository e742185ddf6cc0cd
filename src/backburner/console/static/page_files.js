// Files: what was uploaded and what jobs wrote; and the keys of this tenant, as far as they may be shown.

import { ask, get, query } from "./api.js";
import { el, fill, tell } from "./dom.js";
import { doing, downloadLink, heading, nothing, sure } from "./parts.js";
import { bytes, fullTime, time } from "./words.js";

export function filesPage(main, signal) {
  const list = el("div"), below = el("div.row.middle"), keys = el("div");
  fill(main, heading("Files"), list, below, el("h2", {}, "Keys"), keys);
  const body = el("tbody");
  let token = "";

  async function more() {
    const found = await get(`/files${query({ page_size: 50, page_token: token })}`, { signal });
    token = found.next_page_token;
    body.append(...found.files.map(fileRow));
    if (body.children.length) {
      if (!list.children.length) fill(list, el("table", {}, el("caption.hidden", {}, "Files, newest first"),
        el("thead", {}, el("tr", {}, ["File", "Size", "From", "Kept until", ""].map((name) => name ? el("th", { scope: "col" }, name) : el("td")))), body));
    } else fill(list, nothing("No files.", el("p", {}, "Uploads are kept for two days, results for thirty.")));
    fill(below, token && doing("Show older files", more));
  }
  const failed = (error) => { if (!signal.aborted) tell(error.message, true); };
  more().catch(failed);
  get("/keys", { signal }).then((found) => fill(keys, keysShown(found)), failed);
}

function fileRow(file) {
  const title = file.display_name || file.name;
  const name = /\.\w+$/.test(title) ? title : `${title.replace(/[^\w.-]+/g, "-")}.jsonl`;
  const row = el("tr", {},
    el("th", { scope: "row" }, el("span.strong.break", {}, title), el("div.sub.break", {}, `${file.name} · ${file.mime_type}`)),
    el("td", { "data-label": "Size" }, bytes(file.size_bytes)),
    el("td", { "data-label": "From" }, file.job ? el("a", { href: `#/jobs/${file.job}` }, "a job") : "an upload", el("div.sub", {}, time(file.created_at))),
    el("td", { "data-label": "Kept until" }, el("span", { title: fullTime(file.expire_at) }, time(file.expire_at))),
    el("td", {}, el("div.row.end", {}, downloadLink(file.name, name, "Download", (path) => ask("GET", path)), doing("Delete", remove, "quiet"))));
  async function remove() {
    if (!await sure("Delete this file?", `${title}. Jobs that run from it keep what they need; results are gone for good.`, "Delete")) return;
    await ask("DELETE", `/v1beta/${file.name}`);
    row.remove();
    tell("Deleted");
  }
  return row;
}

function keysShown({ tenant, required, keys }) {
  if (!keys.length) {
    return el("p", {}, required ? "This tenant has no keys." : "This server wants no key and answers only callers on this machine. ",
      el("code", {}, "backburner keys create"), " makes one, and from then on every caller needs it.");
  }
  return el("table", {}, el("caption", {}, `Tenant ${tenant}. A key is shown once, when it is made; this is how each starts.`),
    el("thead", {}, el("tr", {}, ["Key", "Name", "Made", "State"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, keys.map((key) => el("tr", {},
      el("th", { scope: "row" }, el("code", {}, `${key.hint}…`)), el("td", { "data-label": "Name" }, key.name || "–"),
      el("td", { "data-label": "Made" }, time(key.created_at)),
      el("td", { "data-label": "State" }, key.revoked_at ? `revoked ${time(key.revoked_at)}` : "in use")))));
}
