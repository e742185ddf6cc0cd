// Nodes from words. Text only ever goes in as text: an answer of a model is hostile input.

const SVG = "http://www.w3.org/2000/svg";

// el("a.button", {href: "#/new"}, "New job"); props: on: {click}, style: {width}, anything else an attribute.
export function el(what, props, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  return dressed(node, props, children);
}

export function svg(what, props, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElementNS(SVG, tag);
  if (classes.length) node.setAttribute("class", classes.join(" "));
  return dressed(node, props, children);
}

function dressed(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (name === "style") for (const [key, size] of Object.entries(value)) node.style.setProperty(key, size);
    else if (name in PROPERTIES) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...flat(children));
  return node;
}

const PROPERTIES = { value: 1, checked: 1, disabled: 1, hidden: 1, htmlFor: 1, tabIndex: 1, indeterminate: 1 };

const flat = (children) =>
  children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

export function fill(node, ...children) {
  node.replaceChildren(...flat(children));
  return node;
}

// Writes only what changed, so that a screen reader and a selection are left alone.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Tells everybody, those who listen and those who look.
let quiet = 0;
export function tell(text, wrong = false) {
  const told = document.getElementById("told");
  told.classList.toggle("wrong", wrong);
  say(told, "");
  requestAnimationFrame(() => say(told, text));
  clearTimeout(quiet);
  quiet = setTimeout(() => say(told, ""), wrong ? 12000 : 5000);
}

// Calls act at once and then every so often until the signal says stop; never two at a time, not while hidden.
export async function every(ms, signal, act) {
  while (!signal.aborted) {
    if (!document.hidden) await act();
    await pause(ms, signal);
  }
}

export function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
