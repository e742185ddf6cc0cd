// Turns and parts (exchange.js) as nodes. Text is set as text; nothing is ever read as markup.

import { el } from "./dom.js";
import { count } from "./words.js";

export const turnsShown = (turns) => turns.map(({ who, parts }) =>
  el("section.turn", {}, el("h4", {}, who), parts.length ? parts.map(part) : el("p.muted", {}, "empty")));

function part(found) {
  switch (found.kind) {
    case "text": return el("p.said", {}, found.text);
    case "json": return json(found.value);
    case "image": return el("img.picture", { src: found.url, alt: "Image of this request", loading: "lazy" });
    case "call": return el("div", {}, el("p.muted", {}, "calls ", el("code", {}, found.name ?? "")), json(found.value));
    case "vector": return vector(found.values);
    default: return el("p.muted.break", {}, found.text);
  }
}

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

// JSON on several lines, with the names of members apart from their values.
export function json(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "";
  const code = el("code");
  let from = 0;
  if (text.length < 100000) {
    for (const match of text.matchAll(TOKENS)) {
      code.append(text.slice(from, match.index));
      if (match[2]) code.append(el("span.name", {}, match[1]), match[2]);
      else code.append(el(match[1] ? "span.string" : "span.number", {}, match[0]));
      from = match.index + match[0].length;
    }
  }
  code.append(text.slice(from));
  return el("pre.json", { tabIndex: 0, "aria-label": "JSON" }, code);
}

function vector(values) {
  const numbers = Array.isArray(values) ? values : [];
  const shown = numbers.slice(0, 8).map((number) => Number(number).toFixed(4)).join(", ");
  return el("p.said.mono", {}, `[${shown}${numbers.length > 8 ? ", …" : ""}]`, el("span.sub", {}, ` ${count(numbers.length)} numbers`));
}
