// What is wrong with lines of an input: each line as it stands in the file, what is wrong with it, and the way on.

import { get } from "./api.js";
import { create } from "./create.js";
import { button, doing } from "./parts.js";
import { el, fill } from "./dom.js";
import { count, cut, many } from "./words.js";

const SHOWN_CHARS = 2000;
const LINES = 40;

export function report(error, texts, { skip, other }) {
  const byLine = new Map();
  for (const found of error.violations.filter((one) => one.line)) byLine.set(found.line, [...(byLine.get(found.line) ?? []), found]);
  const total = Number(/^\D*?([\d,]+) of /.exec(error.message.replace(/^input file \S+ /, ""))?.[1]?.replace(/,/g, "")) || byLine.size;
  const lines = [...byLine].sort(([one], [next]) => one - next);
  const shown = lines.slice(0, LINES);
  return el("section.card.bad", { "aria-labelledby": "report" },
    el("h2", { id: "report" }, `${many(Math.max(total, byLine.size), "line is", "lines are")} wrong`),
    el("p", {}, "Nothing has run. Mend the file, or run without these lines: each gets an error in its place among the results."),
    el("div.row", {}, doing("Skip them and run the rest", skip, "primary"), button("Choose another file", other)),
    el("ol.wrong-lines", {}, shown.map(([number, found]) => wrongLine(number, found, texts.get(number)))),
    total > shown.length && el("p.sub", {}, `${count(total - shown.length)} more are not shown here.`));
}

// The same for a job that was made and failed, because its wrong lines were found later.
export function wrongLines(signal) {
  const node = el("div", { hidden: true });
  let asked = false;
  async function look(job) {
    const { violations } = await get(`/jobs/${job.id}/violations?limit=200`, { signal });
    const byLine = Map.groupBy ? Map.groupBy(violations, (one) => one.line) : new Map(violations.map((one) => [one.line, [one]]));
    if (!violations.length) return;
    const again = async () => {
      const form = { model: job.model, name: job.display_name, priority: job.priority, embed: job.kind === "embed", skip: true };
      location.hash = `#/jobs/${await create(form, job.input_file, signal)}`;
    };
    fill(node, el("section.card.bad", { "aria-labelledby": "wrong" }, el("h2", { id: "wrong" }, "Wrong lines"),
      job.input_file && job.dialect === "gemini" && el("div.row", {}, doing("Skip them and run the rest", again, "primary")),
      el("ol.wrong-lines", {}, [...byLine].slice(0, LINES).map(([number, found]) => wrongLine(number, found, undefined)))));
    node.hidden = false;
  }
  return {
    node,
    update(job) {
      if (asked || job.state !== "FAILED" || job.on_invalid !== "fail") return;
      asked = true;
      look(job).catch(() => {});
    },
  };
}

function wrongLine(number, found, text) {
  const key = found.find((one) => one.key !== null)?.key;
  return el("li", {},
    el("p.strong", {}, number ? `Line ${count(number)}` : "Request", key ? [", key ", el("code", {}, cut(key, 60))] : ""),
    text === undefined ? null : marked(text, found),
    el("ul", {}, found.map((one) => el("li", {}, one.path ? [el("code", {}, one.path), " "] : "", one.reason, one.instead ? `. ${one.instead}` : ""))));
}

// The line, with the name of the member that is wrong marked where it can be found.
function marked(text, found) {
  const code = el("code");
  const line = text.trimEnd();
  const spots = found.map((one) => spot(line, one)).filter(Boolean).sort((one, next) => one[0] - next[0]);
  let from = 0;
  const start = spots.length && spots[0][0] > 300 ? spots[0][0] - 120 : 0;
  if (start) { code.append("…"); from = start; }
  for (const [begin, end] of spots) {
    if (begin < from || begin > start + SHOWN_CHARS) continue;
    code.append(line.slice(from, begin), el("mark", {}, line.slice(begin, end)));
    from = end;
  }
  code.append(cut(line.slice(from), SHOWN_CHARS));
  return el("pre.source", { tabIndex: 0 }, code);
}

function spot(line, { path, reason }) {
  const place = /(?:column|character|position|byte) (\d+)/.exec(reason);
  if (!path && place) {
    const begin = Math.max(0, Math.min(line.length - 1, Number(place[1]) - 1));
    return [begin, begin + (/^(\w+|.)/.exec(line.slice(begin))?.[0].length ?? 1)];
  }
  const name = /([\w$-]+)(?:\[\d+\])*$/.exec(path ?? "")?.[1];
  const begin = name ? line.indexOf(`"${name}"`) : -1;
  return begin < 0 ? null : [begin, begin + name.length + 2];
}
