// How a job went until now, for its chart: {t, done}. The server keeps no history, so what happened before this page
// was opened is read from the instants of the outcomes where there are few, and is a straight line where there are many.

import { get, query } from "./api.js";
import { at } from "./words.js";

const READ_MOST = 3000;
const KEPT = 1200;
const kept = new Map(); // job -> points, so that coming back to a job finds them

export const doneOf = ({ counts }) => counts.succeeded + counts.failed;

export class History {
  constructor(job) {
    this.points = kept.get(job.id) ?? [{ t: at(job.started_at ?? job.created_at), done: 0 }];
    kept.set(job.id, this.points);
    if (kept.size > 50) kept.delete(kept.keys().next().value);
    if (job.ended) this.add(at(job.ended_at), doneOf(job));
  }

  add(t, done) {
    const { points } = this;
    const last = points.at(-1);
    if (t <= last.t) return;
    if (points.length > 1 && done === last.done && points.at(-2).done === done) last.t = t;
    else points.push({ t, done });
    if (points.length > KEPT) points.splice(0, points.length, ...points.filter((_, place) => place % 2 === 0 || place === points.length - 1));
  }

  // What was before; true when something was found.
  async readBack(job, signal) {
    if (this.points.length > 3 || doneOf(job) < 2 || job.counts.total > READ_MOST) return false;
    const instants = [];
    let cursor = "";
    do {
      const page = await get(`/jobs/${job.id}/requests${query({ cursor, page_size: 500 })}`, { signal });
      for (const one of page.requests) if (one.outcome) instants.push(at(one.outcome.at));
      cursor = page.next_cursor;
    } while (cursor);
    instants.sort((one, other) => one - other);
    const step = Math.max(1, Math.floor(instants.length / 300));
    const before = instants.map((t, place) => ({ t, done: place + 1 })).filter((_, place) => place % step === 0 || place === instants.length - 1);
    const live = this.points.slice(1).filter(({ t }) => t > (before.at(-1)?.t ?? 0));
    const start = { t: Math.min(this.points[0].t, before[0]?.t ?? Infinity), done: 0 };
    this.points.splice(0, this.points.length, start, ...before, ...live);
    return true;
  }
}
