// Requests and answers side by side, page by page; only failed ones; searched by key and text.
//
// The search reads the pages here, so it says how far it has looked.

import { get, query } from "./api.js";
import { el, fill, say, tell } from "./dom.js";
import { answerOf, preview, turnsOf } from "./exchange.js";
import { button, doing, tick } from "./parts.js";
import { json, turnsShown } from "./show.js";
import { compact, count, many, time } from "./words.js";

const SHOWN = 25;
const SEARCHED = 200; // in a page, while searching
const SEARCH_MOST = 4000; // before asking whether to go on

export function requestBrowser(job, signal) {
  const search = el("input", { type: "search", placeholder: "Key or text", "aria-label": "Search requests and answers by key or text" });
  const failed = el("input", { type: "checkbox", on: { change: () => start() } });
  const status = el("p.sub", { role: "status" }), list = el("ol.requests"), below = el("div.row.middle");
  const node = el("section.card", { "aria-labelledby": "requests" },
    el("div.row", {}, el("h2", { id: "requests" }, "Requests and answers"), el("span.gap"), button("Refresh", () => start(), "quiet")),
    el("form.filters", { role: "search", on: { submit: (event) => { event.preventDefault(); start(); } } }, search, tick("Only failed", failed)),
    status, list, below);
  let run = 0, cursor = "", looked = 0, found = 0, timer = 0;
  search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(start, 300); });

  function start() {
    run += 1;
    [cursor, looked, found] = ["", 0, 0];
    return more(run, true).catch((error) => { if (!signal.aborted) tell(error.message, true); });
  }

  async function more(mine, fresh) {
    const words = search.value.trim().toLowerCase();
    const until = looked + (words ? SEARCH_MOST : SHOWN);
    const rows = [];
    do {
      const page = await get(`/jobs/${job.id}/requests${query({ failed: failed.checked || "", cursor, page_size: words ? SEARCHED : SHOWN })}`, { signal });
      if (mine !== run) return;
      looked += page.requests.length;
      cursor = page.next_cursor;
      rows.push(...page.requests.filter((one) => !words || fits(one, words)));
      if (words) say(status, `Looking… ${count(looked)} read`);
    } while (words && cursor && looked < until && rows.length < SHOWN);
    found += rows.length;
    if (fresh) fill(list);
    list.append(...rows.map(requestRow));
    say(status, told(words));
    fill(below, cursor && doing(words && !rows.length ? "Search on" : "Show more", () => more(run, false)));
  }

  function told(words) {
    if (words) return `${many(found, "match", "matches")} in ${many(looked, "request")}${cursor ? " read so far" : ""}`;
    if (!found) return failed.checked ? "None has failed." : "No requests yet.";
    return "";
  }
  return { node, refresh: (next) => { job = next; if (!search.value && !list.querySelector("[open]")) start(); } };
}

const fits = (one, words) => [one.key ?? "", JSON.stringify(one.request) ?? "", JSON.stringify(one.result) ?? ""].some((text) => text.toLowerCase().includes(words));

function requestRow(one) {
  const asked = turnsOf(one.request), { turns, error, finish, why } = answerOf(one.result);
  const kind = !one.outcome ? "waiting" : one.outcome.kind === "answer" ? "good" : "bad";
  const answer = error ? error.message : turns.length ? preview(turns) : one.outcome ? "empty" : "not yet answered";
  const row = el("details.request", {},
    el("summary", {},
      el("span.state", { "data-kind": kind }, el("i.dot", { "aria-hidden": "true" }), el("span.key.break", {}, one.key ?? `line ${one.line}`)),
      el("span.line", {}, preview(asked) || "–"),
      el("span.line", { class: error ? "line wrong" : "line" }, answer)));
  row.addEventListener("toggle", () => {
    if (row.open && row.children.length === 1) row.append(open(one, asked, turns, error, finish, why));
  });
  return el("li", {}, row);
}

function open(one, asked, turns, error, finish, why) {
  const outcome = one.outcome;
  const facts = [`line ${one.line}`, outcome?.engine && `${outcome.engine} / ${outcome.model}`, finish && `finished: ${finish}`, why,
    outcome && outcome.kind === "answer" && `${compact(outcome.usage.prompt_tokens)} tokens in, ${compact(outcome.usage.output_tokens)} out`,
    outcome && time(outcome.at, true), one.attempts.length > 1 && `${one.attempts.length} tries`,
    Number.isInteger(outcome?.reused_from) && `the answer of an identical request (${outcome.reused_from < 0 ? "of another job" : `number ${outcome.reused_from}`})`].filter(Boolean);
  const raw = el("details.raw", {}, el("summary", {}, "As on the wire"));
  raw.addEventListener("toggle", () => {
    if (raw.open && raw.children.length === 1) raw.append(el("div.pair", {}, json(one.request), json(one.result)));
  });
  return el("div.opened", {},
    el("div.pair", {},
      el("div", {}, el("h3", {}, "Prompt"), one.request === null ? el("p.muted", {}, "The input is deleted.") : asked.length ? turnsShown(asked) : json(one.request)),
      el("div", {}, el("h3", {}, "Answer"), error ? el("p.said.wrong", {}, error.message || String(error.code)) : null,
        turnsShown(turns), !outcome && el("p.muted", {}, "Not yet answered."))),
    el("p.sub", {}, facts.join(" · ")), one.attempts.length > 1 && tries(one.attempts), raw);
}

const tries = (attempts) => el("ul.sub", {}, attempts.map((one) =>
  el("li", {}, `${time(one.started_at, true)}, ${one.engine}: ${one.trouble ? `${one.trouble} ${one.message}` : one.ended_at ? "answered" : "under way"}`)));
