// All jobs, live: every two seconds what changed is written into the rows that are there.

import { get, query } from "./api.js";
import { el, every, fill, say, tell } from "./dom.js";
import { bar, button, heading, nothing, stateMark, stateOf, updateState } from "./parts.js";
import { ago, compact, count, ending, percent, rate, span, at, time, fullTime } from "./words.js";

const LOOK_MS = 2000;
const FILTERS = {
  All: "", Active: "PENDING,RUNNING,FINALIZING", Succeeded: "SUCCEEDED", Failed: "FAILED,EXPIRED", Cancelled: "CANCELLED",
};
const tokens = new Map(); // of jobs that have ended they never change

export function jobsPage(main, signal) {
  let asked = { q: "", state: "" }, pages = 1, rows = new Map(), more = "", again = new AbortController();
  const search = el("input", { type: "search", placeholder: "Name or id", "aria-label": "Search jobs by name or id" });
  const filters = Object.entries(FILTERS).map(([name, states]) =>
    el("label", {}, el("input", { type: "radio", name: "state", checked: states === "", on: { change: () => narrow({ state: states }) } }), el("span", {}, name)));
  const body = el("tbody");
  const table = el("table.jobs", {},
    el("caption.hidden", {}, "Jobs, newest first"),
    el("thead", {}, el("tr", {}, ["Job", "State", "Progress", "Rate", "Done", "Tokens", "Priority"].map((name) => el("th", { scope: "col" }, name)))),
    body);
  const below = el("div.row.middle");
  const list = el("div", {}, table);
  fill(main,
    el("div.row", {}, heading("Jobs"), el("span.gap"), el("a.button.primary", { href: "#/new" }, "New job")),
    el("form.filters", { role: "search", on: { submit: (event) => event.preventDefault() } }, search,
      el("fieldset.segments", {}, el("legend.hidden", {}, "State"), filters)),
    list, below);
  let timer = 0;
  search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => narrow({ q: search.value.trim() }), 250); });
  signal.addEventListener("abort", () => again.abort());

  function narrow(change) {
    asked = { ...asked, ...change };
    pages = 1;
    start();
  }

  function start() {
    again.abort();
    again = new AbortController();
    const mine = again.signal;
    every(LOOK_MS, mine, () => look(mine)).catch(() => {});
  }

  async function look(mine) {
    let found;
    try { found = await loaded(asked, pages, mine); } catch (error) {
      if (!mine.aborted) tell(error.message, true);
      return;
    }
    if (mine.aborted) return;
    more = found.next_page_token;
    draw(found.jobs);
    await countTokens(found.jobs, mine);
  }

  function draw(jobs) {
    const kept = new Map();
    for (const job of jobs) {
      const row = rows.get(job.id) ?? jobRow();
      row.update(job);
      kept.set(job.id, row);
    }
    const nodes = [...kept.values()].map((row) => row.node);
    if (nodes.length !== body.children.length || nodes.some((node, place) => node !== body.children[place])) body.replaceChildren(...nodes);
    rows = kept;
    table.hidden = !jobs.length;
    if (jobs.length) list.querySelector(".nothing")?.remove();
    else if (!list.querySelector(".nothing")) list.append(empty(asked));
    if (!more) fill(below);
    else if (!below.children.length) fill(below, button("Show older jobs", () => { pages += 1; start(); }));
  }

  async function countTokens(jobs, mine) {
    const wanted = jobs.filter((job) => !tokens.has(job.id)).slice(0, 12);
    await Promise.all(wanted.map(async (job) => {
      const found = await get(`/jobs/${job.id}`, { signal: mine }).catch(() => null);
      if (!found) return;
      if (found.ended) tokens.set(job.id, found.usage);
      rows.get(job.id)?.usage(found.usage);
    }));
  }
  start();
}

async function loaded({ q, state }, pages, signal) {
  const jobs = [];
  let token = "";
  for (let page = 0; page < pages; page += 1) {
    const found = await get(`/jobs${query({ q, state, page_size: 50, page_token: token })}`, { signal });
    jobs.push(...found.jobs);
    token = found.next_page_token;
    if (!token) break;
  }
  return { jobs, next_page_token: token };
}

function empty({ q, state }) {
  if (q || state) return nothing("No job fits.", el("p", {}, "Search looks at names, and at the start of ids."));
  return nothing("Nothing on the burner yet.",
    el("p", {}, "Drop a file of requests, or paste a few prompts, and the answers come back in order."),
    el("a.button.primary", { href: "#/new" }, "New job"));
}

function jobRow() {
  const link = el("a.strong"), sub = el("div.sub"), state = stateMark("PENDING"), why = el("div.sub.why");
  const progress = bar("Progress"), done = el("div.sub"), speed = el("td", { "data-label": "Rate" });
  const end = el("span"), endSub = el("div.sub"), usage = el("span", {}, "–"), usageSub = el("div.sub");
  const priority = el("td", { "data-label": "Priority" });
  const node = el("tr", {},
    el("th", { scope: "row" }, link, sub),
    el("td", { "data-label": "State" }, state, why),
    el("td.wide", { "data-label": "Progress" }, progress.node, done),
    speed,
    el("td", { "data-label": "Done" }, end, endSub),
    el("td", { "data-label": "Tokens" }, usage, usageSub),
    priority);
  return {
    node,
    update(job) {
      link.href = `#/jobs/${job.id}`;
      say(link, job.display_name || job.id);
      say(sub, `${job.model} · ${ago(job.created_at)}`);
      const held = stateOf(job) === "HELD";
      updateState(state, stateOf(job));
      say(why, held ? "look at its first answers" : job.waiting_reason || (job.state === "FAILED" ? job.error?.message ?? "" : ""));
      why.title = why.textContent;
      progress.update(job);
      const { counts } = job;
      say(done, `${percent(job.progress)} of ${count(counts.total)}${job.scanned ? "" : " so far"}${counts.failed ? ` · ${count(counts.failed)} failed` : ""}`);
      say(speed, rate(job.rate_per_s));
      const estimate = ending(job.estimated_completion);
      say(end, job.ended ? time(job.ended_at) : estimate ? estimate.between : "–");
      say(endSub, job.ended ? (job.started_at ? `took ${span(Math.max(1, at(job.ended_at) - at(job.started_at)))}` : "") : estimate ? `in about ${estimate.left}` : "");
      node.title = job.ended ? fullTime(job.ended_at) : "";
      say(priority, String(job.priority));
      if (tokens.has(job.id)) this.usage(tokens.get(job.id));
    },
    usage(found) {
      if (!found) return;
      say(usage, compact(found.prompt_tokens + found.output_tokens));
      say(usageSub, `${compact(found.output_tokens)} out`);
    },
  };
}
