// Calls to this server: the native API, and the Gemini door for what goes in.

const OURS = { "x-backburner-console": "1" };
export const API = "/api/v1";

// `violations` are in the words of the native API: {path, reason, instead, line, key}.
export class Refusal extends Error {
  constructor(status, message, reason, violations) {
    super(message);
    Object.assign(this, { status, reason, violations: violations ?? [] });
  }
}

// in the words of the native API, and in Google's
const KEYLESS = /^KEY_(MISSING|INVALID)$|^API_KEY_INVALID$|unregistered callers/;

let onSignedOut = () => {};
export const whenSignedOut = (act) => { onSignedOut = act; };

export async function ask(method, path, { body, headers, signal, raw } = {}) {
  const json = body !== undefined && !raw;
  let reply;
  try {
    reply = await fetch(path, {
      method,
      signal,
      credentials: "same-origin",
      headers: { ...OURS, ...(json ? { "content-type": "application/json" } : {}), ...headers },
      body: json ? JSON.stringify(body) : body,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "The server does not answer. Is it running?", "UNREACHABLE");
  }
  if (reply.ok) return reply;
  const refusal = refusalOf(reply.status, await reply.text());
  if (KEYLESS.test(refusal.reason || refusal.message) && !path.startsWith("/console/")) onSignedOut();
  throw refusal;
}

function refusalOf(status, text) {
  let error;
  try { error = JSON.parse(text).error; } catch { error = null; }
  if (!error) return new Refusal(status, `The server answered ${status}: ${text.slice(0, 200)}`, "");
  if (!error.details) return new Refusal(status, error.message, error.reason, error.violations);
  const info = error.details.find((one) => one.reason);
  const rows = error.details.flatMap((one) => one.fieldViolations ?? []);
  return new Refusal(status, error.message, info?.reason, rows.map(fromGoogle));
}

// "input file files/x, line 4, key "a": expected ... . Write ..." back into its parts.
function fromGoogle({ field, description }) {
  const place = /^(?:input file \S+, line (\d+)|line (\d+)|request body)(?:, key ("(?:[^"\\]|\\.)*"))?: /.exec(description);
  const line = place?.[1] ?? place?.[2];
  return {
    path: field === "body" || /^line \d+$/.test(field) ? "" : field,
    reason: place ? description.slice(place[0].length) : description,
    instead: "",
    line: line ? Number(line) : null,
    key: place?.[3] ? place[3].slice(1, -1) : null,
  };
}

export const get = async (path, options) => (await ask("GET", API + path, options)).json();
export const send = async (method, path, body) => (await ask(method, API + path, { body })).json();

export const session = async () => (await ask("GET", "/console/session")).json();
export const signIn = async (key) => (await ask("POST", "/console/session", { body: { key } })).json();
export const signOut = () => ask("DELETE", "/console/session");

export const query = (values) => {
  const kept = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return kept.length ? `?${new URLSearchParams(kept)}` : "";
};
