// A new job: a JSONL file or prompts, a model, a few options. Wrong lines are shown where they are, before anything
// runs; then one skips them or chooses another file.

import { get } from "./api.js";
import { create, linesOfPrompts, samples } from "./create.js";
import { el, fill, say, tell } from "./dom.js";
import { codeTabs, field, heading, notice, tick } from "./parts.js";
import { report } from "./report.js";
import { linesOf, upload } from "./upload.js";
import { bytes, count, many, percent } from "./words.js";

export function newPage(main, signal) {
  const input = inputPart(signal), options = optionsPart(signal);
  const submit = el("button.primary", { type: "submit" }, "Check and run");
  const progress = el("p.sub", { role: "status" }), outcome = el("div.stack", { tabIndex: -1 });
  const form = el("form.stack", { novalidate: true, on: { submit: (event) => { event.preventDefault(); run({}); } } },
    input.node, options.node, el("div.row", {}, submit, progress));
  fill(main, heading("New job"), form, outcome);
  input.changed = () => { fill(outcome); options.suggest(input.name()); };
  let uploaded = { of: null, name: "" };

  async function run(change) {
    const asked = { ...options.values(), ...change };
    const file = input.file(asked);
    if (!file || !asked.model) return fill(outcome, notice("bad", file ? "Name a model." : input.missing()));
    submit.disabled = true;
    fill(outcome);
    try {
      if (uploaded.of !== file || uploaded.embed !== asked.embed) {
        say(progress, "Sending…");
        uploaded = { of: file, embed: asked.embed, name: await upload(file, (part) => say(progress, `Sending… ${percent(part)}`), signal) };
      }
      say(progress, "Checking the lines…");
      const job = await create(asked, uploaded.name, signal);
      fill(outcome, made(job, asked, input.name()));
      tell("The job is made");
    } catch (error) {
      if (signal.aborted) return;
      await refused(error, file);
    } finally {
      submit.disabled = false;
      say(progress, "");
    }
    outcome.focus();
    outcome.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
  }

  async function refused(error, file) {
    const lines = error.violations?.filter((one) => one.line) ?? [];
    if (!lines.length) return fill(outcome, notice("bad", error.message, error.reason === "UNREACHABLE" ? null : list(error.violations ?? [])));
    const texts = (await linesOf(file, new Set(lines.map((one) => one.line)), signal)).texts;
    fill(outcome, report(error, texts, { skip: () => run({ skip: true }), other: () => input.choose() }));
  }
}

const list = (violations) => violations.length ? el("ul", {}, violations.map((one) => el("li", {}, one.path ? [el("code", {}, one.path), " "] : "", one.reason))) : null;

function made(job, asked, fileName) {
  return el("section.card.good", { "aria-labelledby": "made" },
    el("div.row", {}, el("h2", { id: "made" }, asked.hold ? "The first sample is on its way" : "The job is on its way"), el("span.gap"),
      el("a.button.primary", { href: `#/jobs/${job}` }, "Watch it")),
    el("p.sub", {}, "The same from your own code:"), codeTabs(samples(asked, fileName)));
}

// -- what goes in

function inputPart(signal) {
  let file = null, typed = { text: null, file: null };
  const part = { node: null, changed: () => {} };
  const picker = el("input.hidden", { type: "file", id: "picker", accept: ".jsonl,.json,.ndjson,.txt,application/jsonl" });
  const shown = el("span.strong"), about = el("span.sub", { "aria-live": "polite" });
  const drop = el("label.drop", { htmlFor: "picker" }, shown, about);
  const prompts = el("textarea", { rows: 7, spellcheck: "true", placeholder: "Who wrote Hamlet?\nWhat do bees make?" });
  const system = el("textarea", { rows: 2 });
  const temperature = el("input", { type: "number", min: 0, max: 2, step: 0.1, placeholder: "the model's own" });
  const mostTokens = el("input", { type: "number", min: 1, step: 1, placeholder: "the model's own" });
  const byFile = el("div.stack", {}, picker, drop,
    el("p.sub", {}, "One request in JSON on each line: ", el("code", {}, '{"key": "a", "request": {"contents": [{"parts": [{"text": "…"}]}]}}')));
  const byPrompt = el("div.stack", { hidden: true },
    field("Prompts", prompts, "One on each line."), field("Instruction for all of them", system, "Optional."),
    el("div.columns", {}, field("Temperature", temperature), field("Most output tokens", mostTokens)));
  const kind = (name, text, on) => el("label", {}, el("input", { type: "radio", name: "kind", checked: on, on: { change: () => choose(name) } }), el("span", {}, text));
  let chosen = "file";

  function choose(name) {
    chosen = name;
    byFile.hidden = name !== "file";
    byPrompt.hidden = name === "file";
    part.changed();
  }
  async function take(next) {
    if (!next) return;
    file = next;
    part.changed();
    say(shown, file.name);
    say(about, bytes(file.size));
    const { count: lines } = await linesOf(file, new Set(), signal).catch(() => ({ count: 0 }));
    if (file === next) say(about, `${bytes(file.size)}, ${many(lines, "line")}`);
  }
  say(shown, "Drop a JSONL file here");
  say(about, "or choose one");
  picker.addEventListener("change", () => take(picker.files[0]));
  for (const [event, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    drop.addEventListener(event, (happened) => { happened.preventDefault(); drop.classList.toggle("over", over); });
  }
  drop.addEventListener("drop", (event) => take(event.dataTransfer.files[0]));

  part.node = el("section.card.stack", { "aria-label": "Input" },
    el("fieldset.segments", {}, el("legend.hidden", {}, "Input"), kind("file", "JSONL file", true), kind("prompts", "Prompts", false)), byFile, byPrompt);
  part.file = ({ embed }) => {
    if (chosen === "file") return file;
    const values = { prompts: prompts.value, system: system.value.trim(), temperature: temperature.value, mostTokens: mostTokens.value, embed };
    const text = linesOfPrompts(values).map((line) => `${JSON.stringify(line)}\n`).join("");
    if (!text) return null;
    if (typed.text !== text) typed = { text, file: new File([text], "prompts.jsonl") };
    return typed.file;
  };
  part.name = () => (chosen === "file" ? file?.name ?? "" : "prompts.jsonl");
  part.missing = () => (chosen === "file" ? "Choose a file first." : "Write at least one prompt.");
  part.choose = () => { picker.value = ""; picker.click(); };
  return part;
}

// -- options

function optionsPart(signal) {
  const name = el("input", { type: "text", maxlength: 512, autocomplete: "off" });
  const model = el("input.mono", { type: "text", list: "models", value: "gemini-2.5-flash", autocomplete: "off", spellcheck: "false" });
  const models = el("datalist", { id: "models" }), priority = el("input", { type: "number", step: 1, value: 0 });
  const skip = el("input", { type: "checkbox" }), hold = el("input", { type: "checkbox" }), embed = el("input", { type: "checkbox" });
  let known = [], named = false;
  name.addEventListener("input", () => { named = name.value !== ""; });
  const answers = el("span.hint", { id: "answers", "aria-live": "polite" });
  const guess = () => {
    const found = known.find((one) => one.id === model.value.trim());
    say(answers, found ? `Answered by ${found.served_by}.` : "");
    if (found) embed.checked = found.embed && !found.chat;
    else if (/embed/i.test(model.value)) embed.checked = true;
  };
  model.addEventListener("input", guess);
  get("/models?page_size=200", { signal }).then((found) => {
    known = found.models;
    guess();
    fill(models, known.map((one) => el("option", { value: one.id }, `answered by ${one.served_by}`)));
  }, () => {});
  return {
    node: el("section.card.stack", { "aria-label": "Options" },
      el("div.columns", {}, el("div.field", {}, field("Model", model), answers), models, field("Name", name, "What the list shows."), field("Priority", priority, "Higher goes first among your jobs.")),
      el("div.stack.tight", {},
        tick("Run a first sample and let me look", hold, "About 1 % of the requests. The rest waits until you approve."),
        tick("Skip wrong lines", skip, "They get an error in their place. Otherwise one wrong line refuses the job, and nothing runs."),
        tick("These are embedding requests", embed))),
    suggest: (file) => { if (!named) name.value = file.replace(/\.\w+$/, ""); },
    values: () => ({ model: model.value.trim(), name: name.value.trim(), priority: Number(priority.value) || 0, skip: skip.checked, hold: hold.checked, embed: embed.checked }),
  };
}
