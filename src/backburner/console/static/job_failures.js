// Why requests of a job failed: grouped by what was said, numbers and names left out, with an example each.

import { get, query } from "./api.js";
import { el, fill } from "./dom.js";
import { answerOf, preview, turnsOf } from "./exchange.js";
import { count, many } from "./words.js";

const READ_MOST = 600;
const AGAIN_MS = 4000;

export function failures(job, signal) {
  const list = el("ul.groups"), sub = el("p.sub");
  const node = el("section.card", { "aria-labelledby": "failures", hidden: true }, el("h2", { id: "failures" }, "Failures"), sub, list);
  let seen = 0, looked = 0, busy = false, open = false;

  async function look(failed) {
    busy = true;
    looked = Date.now();
    try {
      const found = await read(job, signal);
      seen = failed;
      const groups = grouped(found);
      fill(sub, found.length < failed ? `The first ${count(found.length)} of ${count(failed)}, by reason` : `${many(groups.length, "reason")}`);
      fill(list, groups.map(groupNode));
    } catch { /* the job is gone, or the server: the page says so elsewhere */ }
    busy = false;
  }
  return {
    node,
    update({ counts, ended }) {
      node.hidden = !counts.failed;
      if (!counts.failed || busy || counts.failed === seen) return;
      if (!open || ended || Date.now() - looked > AGAIN_MS) look(counts.failed);
      open = true;
    },
  };
}

async function read(job, signal) {
  const found = [];
  let cursor = "";
  do {
    const page = await get(`/jobs/${job}/requests${query({ failed: true, cursor, page_size: 200 })}`, { signal });
    found.push(...page.requests);
    cursor = page.next_cursor;
  } while (cursor && found.length < READ_MOST);
  return found;
}

export function grouped(requests) {
  const groups = new Map();
  for (const request of requests) {
    const error = answerOf(request.result).error ?? {};
    const said = error.message?.replace(/^line \d+: /, ""); // which line stands below, with the example
    const message = said || request.attempts.at(-1)?.message || request.outcome?.finish_reason || "No reason was given";
    const alike = `${request.outcome?.code} ${message.replace(/"[^"]*"|'[^']*'/g, "“…”").replace(/\d+/g, "#")}`;
    const group = groups.get(alike) ?? { code: request.outcome?.code ?? "", message, example: request, count: 0 };
    group.count += 1;
    groups.set(alike, group);
  }
  return [...groups.values()].sort((one, other) => other.count - one.count);
}

function groupNode({ code, message, example, count: size }) {
  return el("li", {},
    el("div.row", {}, el("span.number", {}, count(size)), el("div.grow", {}, el("p.strong.break", {}, message), el("p.sub", {}, code))),
    el("p.sub.example", {}, "For example line ", String(example.line), example.key === null ? "" : [", key ", el("code", {}, example.key)], ": ", el("span.break", {}, preview(turnsOf(example.request)) || "the line holds no prompt")));
}
