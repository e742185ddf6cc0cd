// Progress over time with the fan in which the job will end, and the rate below it. Drawn as SVG by hand.
//
// Points are {t, done} in seconds and requests; the first is the start of the job. It never asks for data.

import { el, fill, svg } from "./dom.js";
import { at, count, ending, now, percent, rate, span, time } from "./words.js";

const [LEFT, RIGHT, TOP, HIGH, GAP, LOW, FOOT] = [44, 14, 12, 190, 34, 56, 24];
const HEIGHT = TOP + HIGH + GAP + LOW + FOOT;
const BUCKETS = 60;

export function progressChart() {
  const picture = svg("svg", { role: "img", height: HEIGHT, width: "100%" });
  const legend = el("p.legend", { "aria-hidden": "true" });
  const node = el("figure.chart", {}, picture, legend);
  let last = null;
  const redraw = () => last && draw(picture, legend, last);
  new ResizeObserver(redraw).observe(node);
  return { node, update(points, job) { last = { points, job }; redraw(); } };
}

function draw(picture, legend, { points, job }) {
  const width = Math.max(260, picture.clientWidth || 600);
  picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const estimate = job.ended ? null : job.estimated_completion;
  const start = points[0].t;
  const here = job.ended ? points.at(-1).t : Math.max(points.at(-1).t, now());
  // a very wide fan would press what has happened into a corner: it may leave the picture
  const late = estimate ? Math.min(at(estimate.latest_at), start + Math.max(4 * (here - start), 1.6 * (at(estimate.likely_at) - start))) : here;
  const end = Math.max(here, late, start + 0.1);
  const total = Math.max(1, job.counts.total);
  const x = (t) => LEFT + ((width - LEFT - RIGHT) * (t - start)) / (end - start);
  const y = (done) => TOP + HIGH * (1 - done / total);
  fill(picture, grid(width), axis(width, start, end, x), estimate && fan(estimate, here, points.at(-1).done, total, end, x, y),
    line(points, here, x, y), !job.ended && dot(x(here), y(points.at(-1).done)), rates(points, here, x, width));
  picture.setAttribute("aria-label", inWords(job, here - start));
  fill(legend, el("span.key.done", {}, "answered or failed"), estimate && el("span.key.fan", {}, `the end lies here in ${Math.round(estimate.confidence * 100)} % of cases`));
}

function grid(width) {
  return [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const height = TOP + HIGH * (1 - part);
    return [svg("line.grid", { x1: LEFT, x2: width - RIGHT, y1: height, y2: height }),
      part % 0.5 === 0 && svg("text", { x: LEFT - 8, y: height + 4, "text-anchor": "end" }, `${part * 100} %`)];
  });
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

function axis(width, start, end, x) {
  const fits = Math.max(2, Math.floor((width - LEFT - RIGHT) / 90));
  const step = STEPS.find((one) => (end - start) / one <= fits) ?? STEPS.at(-1);
  const marks = [];
  for (let after = 0; after <= end - start; after += step) {
    const place = x(start + after);
    marks.push(svg("line.grid", { x1: place, x2: place, y1: TOP + HIGH, y2: TOP + HIGH + 4 }),
      svg("text", { x: place, y: TOP + HIGH + 18, "text-anchor": after ? "middle" : "start" }, after ? `+${span(after)}` : time(start * 1000, end - start < 300)));
  }
  return marks;
}

function line(points, here, x, y) {
  const all = [...points, { t: here, done: points.at(-1).done }];
  const path = all.map(({ t, done }, place) => `${place ? "L" : "M"}${x(t).toFixed(1)} ${y(done).toFixed(1)}`).join("");
  return [svg("path.under", { d: `${path}V${y(0)}H${x(points[0].t)}Z` }), svg("path.line", { d: path })];
}

function fan(estimate, here, done, total, end, x, y) {
  const top = y(total), [early, likely, late] = ["earliest_at", "likely_at", "latest_at"].map((name) => x(Math.max(here, at(estimate[name]))));
  const edge = x(end), cross = (far) => (far <= edge ? [far, top] : [edge, y(done + ((total - done) * (edge - x(here))) / (far - x(here)))]);
  const [lateX, lateY] = cross(late), [likelyX, likelyY] = cross(likely);
  const corner = late > edge ? `L${edge} ${top}` : "";
  return [
    svg("path.fan", { d: `M${x(here)} ${y(done)}L${Math.min(early, edge)} ${top}${corner}L${lateX} ${lateY}Z` }),
    svg("path.likely", { d: `M${x(here)} ${y(done)}L${likelyX} ${likelyY}` }),
  ];
}

const dot = (cx, cy) => svg("circle.here", { cx, cy, r: 4 });

// Requests per second in equal steps of time.
function rates(points, here, x, width) {
  const base = TOP + HIGH + GAP + LOW, start = points[0].t;
  const step = Math.max(0.1, (here - start) / BUCKETS);
  const found = [];
  for (let t = start; t < here - step / 2; t += step) {
    found.push({ t, perSecond: (doneAt(points, Math.min(here, t + step)) - doneAt(points, t)) / step });
  }
  const most = Math.max(0.001, ...found.map((one) => one.perSecond));
  const bars = found.map(({ t, perSecond }) => {
    const high = (LOW * perSecond) / most;
    return svg("rect.rate", { x: x(t).toFixed(1), width: Math.max(1, x(t + step) - x(t) - 1).toFixed(1), y: (base - high).toFixed(1), height: high.toFixed(1) });
  });
  return [svg("line.grid", { x1: LEFT, x2: width - RIGHT, y1: base, y2: base }),
    svg("text", { x: LEFT, y: base + 16 }, "Rate"), svg("text", { x: width - RIGHT, y: base + 16, "text-anchor": "end" }, found.length ? `at most ${rate(most)}` : ""), bars];
}

// How many were done at an instant, between two points along the line.
function doneAt(points, t) {
  let low = 0, high = points.length - 1;
  if (t >= points[high].t) return points[high].done;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle].t <= t) low = middle; else high = middle;
  }
  const [one, next] = [points[low], points[high]];
  return one.done + ((next.done - one.done) * (t - one.t)) / Math.max(0.001, next.t - one.t);
}

function inWords(job, seconds) {
  const estimate = ending(job.estimated_completion);
  const done = `${percent(job.progress)} of ${count(job.counts.total)} requests after ${span(seconds)}`;
  return !job.ended && estimate ? `${done}; the end is expected at ${estimate.likely}, between ${estimate.between}` : done;
}
