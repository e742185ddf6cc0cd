// Engines: are they up, what do they serve, how many calls are they given, and until when is a door closed.

import { get } from "./api.js";
import { el, every, fill, tell } from "./dom.js";
import { heading, nothing, stateMark } from "./parts.js";
import { at, count, now, span, time } from "./words.js";

export function enginesPage(main, signal) {
  const list = el("div.stack");
  fill(main, heading("Engines"), el("p.sub", {}, "Where the models run. A call that is refused for a while closes the door of its engine until then; jobs wait and go on by themselves."), list);
  let shown = "";
  every(2000, signal, async () => {
    try {
      const { engines } = await get("/engines", { signal });
      const closed = engines.some((engine) => engine.models.some((model) => model.closed_until_at));
      if (!closed && JSON.stringify(engines) === shown) return;
      shown = JSON.stringify(engines);
      fill(list, engines.length ? engines.map(engineCard) : nothing("No engine is configured."));
    } catch (error) { if (!signal.aborted) tell(error.message, true); }
  });
}

function engineCard(engine) {
  const names = Object.entries(engine.names);
  return el("section.card", { "aria-label": `Engine ${engine.name}` },
    el("div.row", {}, el("h2", {}, engine.name), stateMark(engine.status)),
    engine.reason && el("p.sub", {}, engine.reason),
    engine.models.length ? el("table", {}, el("caption.hidden", {}, "Models"),
      el("thead", {}, el("tr", {}, ["Model", "Calls now", "Given at once", "Door", "Context", "Can do"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, engine.models.map(modelRow))) : el("p.muted", {}, "It takes any model name; those it was asked for are listed here."),
    names.length > 0 && el("details", {}, el("summary", {}, "Names that lead here"),
      el("dl.pairs", {}, names.map(([pattern, model]) => [el("dt", {}, el("code", {}, pattern)), el("dd", {}, el("code", {}, model))]))));
}

function modelRow(model) {
  const most = Math.max(model.slots, model.limit ?? 0, model.in_flight, 1);
  const gauge = el("div.gauge", { "aria-hidden": "true" }, el("span", { style: { width: `${(100 * model.in_flight) / most}%` } }));
  const closed = model.closed_until_at;
  return el("tr", {},
    el("th", { scope: "row" }, el("span.strong.break", {}, model.display_name), model.display_name === model.id ? null : el("div.sub.break", {}, model.id)),
    el("td", { "data-label": "Calls now" }, count(model.in_flight), gauge),
    el("td.tight", { "data-label": "Given at once" }, model.limit === null ? "none yet" : count(model.limit), el("div.sub", {}, `profits from ${count(model.slots)}`)),
    el("td", { "data-label": "Door" }, closed ? el("span.state", { "data-kind": "bad" }, el("i.dot"), el("span", {}, `closed until ${time(closed, true)}, ${span(at(closed) - now())}`)) : "open"),
    el("td", { "data-label": "Context" }, model.context_tokens ? `${count(model.context_tokens)} tokens` : "–"),
    el("td", { "data-label": "Can do" }, el("span.sub", {}, model.features.map((one) => one.replace(/_/g, " ")).join(", ") || "–")));
}
