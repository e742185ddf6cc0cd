// One job: where it stands, when it ends, what failed and why, and every request beside its answer.

import { get } from "./api.js";
import { actions } from "./job_actions.js";
import { progressChart } from "./chart.js";
import { el, fill, say, tell } from "./dom.js";
import { watch } from "./events.js";
import { failures } from "./job_failures.js";
import { History, doneOf } from "./history.js";
import { requestBrowser } from "./job_requests.js";
import { bar, heading, notice, stateMark, stateOf, updateState } from "./parts.js";
import { wrongLines } from "./report.js";
import { at, bytes, compact, count, ending, fullTime, percent, rate, span, time } from "./words.js";

export async function jobPage(main, id, signal) {
  const title = heading("Job");
  const whole = el("div", { "aria-busy": "true" }, el("p.muted", {}, "Loading…"));
  fill(main, el("nav.crumbs", { "aria-label": "Way back" }, el("a", { href: "#/jobs" }, "Jobs")), whole);
  let job;
  try { job = await get(`/jobs/${id}`, { signal }); } catch (error) {
    if (signal.aborted) return;
    fill(whole, heading("No such job"), el("p", {}, error.status === 404 ? `There is no job ${id} any more.` : error.message));
    return;
  }
  if (signal.aborted) return;
  const view = jobView(job, title, signal, changed);
  fill(whole, view.node);
  whole.removeAttribute("aria-busy");
  document.title = `${job.display_name || job.id} · Backburner`;

  function changed(next) {
    if (!job.ended && next.ended) tell(`${next.display_name || next.id}: ${next.state.toLowerCase()}`);
    job = next;
    view.update(job);
  }

  async function follow() {
    await watch(id, signal, async (name, data) => {
      if (name === "gone") { location.hash = "#/jobs"; return; }
      const { job: _, at: instant, ...live } = data;
      view.sample(at(instant), doneOf(live));
      changed({ ...job, ...live, held: job.held && !live.ended });
      if (name === "end") changed(await get(`/jobs/${id}`, { signal }));
    }, view.lost);
  }
  view.start(follow);
}

function jobView(job, title, signal, changed) {
  const state = stateMark(job.state), facts = el("p.sub"), said = el("div.notices"), lostNotice = el("div");
  const progress = bar("Progress"), tiles = tileRow(), chart = progressChart(), history = new History(job);
  let following = false, follow = () => {};
  const doers = actions(job, (next) => { changed(next); if (!next.ended && !following) run(); });
  const wrong = failures(job.id, signal), lines = wrongLines(signal), browser = requestBrowser(job, signal);
  const node = el("div.stack", {},
    el("div", {}, el("div.row", {}, title, state), facts),
    doers.node, lostNotice, said,
    el("section.card", { "aria-label": "Progress" }, tiles.node, progress.node, chart.node),
    lines.node, wrong.node, browser.node, details(job));

  async function run() {
    following = true;
    await follow();
    following = false;
  }

  return {
    node,
    start(begin) {
      follow = begin;
      this.update(job);
      browser.refresh(job);
      if (!job.ended) run();
      history.readBack(job, signal).then((found) => found && chart.update(history.points, job), () => {});
    },
    sample: (t, done) => history.add(t, done),
    lost: (gone) => fill(lostNotice, gone && notice("held", "The connection to the server is lost; trying again.")),
    update(next) {
      const before = job;
      job = next;
      say(title, job.display_name || job.id);
      updateState(state, stateOf(job));
      say(facts, factsOf(job));
      fillNotices(said, job);
      tiles.update(job);
      progress.update(job);
      doers.update(job);
      chart.update(history.points, job);
      lines.update(job);
      wrong.update(job);
      if (before.state !== job.state || (doneOf(before) === 0 && doneOf(job) > 0)) browser.refresh(job);
    },
  };
}

function factsOf(job) {
  const words = [job.model, `made ${time(job.created_at)}`, `priority ${job.priority}`];
  if (job.input_file) words.push(`${job.input_file}, ${bytes(job.input_bytes)}`);
  else words.push(`inline, ${bytes(job.input_bytes)}`);
  return words.join(" · ");
}

let noticesShown = "";
function fillNotices(said, job) {
  const shown = JSON.stringify([job.id, job.waiting_reason, job.error, job.warnings, job.window_warning, stateOf(job), job.retry_of]);
  if (shown === noticesShown && said.children.length) return;
  noticesShown = shown;
  const held = stateOf(job) === "HELD";
  fill(said,
    held && notice("held", el("strong", {}, "The first sample is through. "), "Look at the answers below; the rest runs once you say so."),
    !held && job.waiting_reason && notice("held", job.waiting_reason[0].toUpperCase() + job.waiting_reason.slice(1) + "."),
    job.error && notice(job.state === "FAILED" ? "bad" : "plain", job.error.message),
    job.window_warning && notice("plain", job.window_warning[0].toUpperCase() + job.window_warning.slice(1) + "."),
    job.warnings.map((words) => notice("plain", words)),
    job.retry_of && notice("plain", "Tries again what was not answered in ", el("a", { href: `#/jobs/${job.retry_of}` }, job.retry_of), "."));
}

function tileRow() {
  const made = (label) => {
    const value = el("dd"), sub = el("dd.sub");
    return { node: el("div.tile", {}, el("dt", {}, label), value, sub), set(text, more = "") { say(value, text); say(sub, more); } };
  };
  const done = made("Done"), end = made("Ends"), speed = made("Rate"), failed = made("Failed"), tokens = made("Tokens");
  return {
    node: el("dl.tiles", {}, [done, failed, speed, end, tokens].map((one) => one.node)),
    update(job) {
      const { counts, usage } = job;
      done.set(percent(job.progress), `${count(counts.succeeded + counts.failed)} of ${count(counts.total)}${job.scanned ? "" : " so far"}`);
      failed.set(count(counts.failed), counts.failed ? `${percent(counts.failed / Math.max(1, counts.succeeded + counts.failed))} of those done` : "none");
      failed.node.classList.toggle("bad", counts.failed > 0);
      const took = job.started_at ? at(job.ended_at ?? new Date().toISOString()) - at(job.started_at) : 0;
      if (job.ended) speed.set(took > 0 ? rate((counts.succeeded + counts.failed) / took) : "–", "on average");
      else speed.set(rate(job.rate_per_s), "over the last minute");
      const estimate = ending(job.estimated_completion);
      if (job.ended) end.set(time(job.ended_at), took ? (took < 1 ? "within a second" : `after ${span(took)}`) : "");
      else end.set(estimate ? `in ${estimate.left}` : "–", estimate ? estimate.between : stateOf(job) === "HELD" ? "known once the rest runs" : "known after the first answers");
      say(end.node.firstChild, job.ended ? "Ended" : "Ends");
      if (usage) tokens.set(compact(usage.prompt_tokens + usage.output_tokens), `${compact(usage.prompt_tokens)} in, ${compact(usage.output_tokens)} out${usage.cached_tokens ? `, ${compact(usage.cached_tokens)} (${percent(usage.cached_share)}) from the cache` : ""}${job.saved.calls ? `; ${count(job.saved.calls)} calls saved` : ""}`);
    },
  };
}

function details(job) {
  const rows = {
    Id: job.id, Format: job.dialect, Kind: job.kind, "Wrong lines": job.on_invalid === "skip" ? "are skipped" : "refuse the job",
    "Promised by": fullTime(job.deadline_at), "Given up": fullTime(job.expire_at), "First sample": job.hold_after_canary ? "waited for approval" : "not held",
  };
  return el("details.card", {}, el("summary", {}, "Details"),
    el("dl.pairs", {}, Object.entries(rows).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
}
