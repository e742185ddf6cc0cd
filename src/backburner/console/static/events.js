// Server-sent events by fetch: EventSource cannot send the header that shows that it is us who ask.

import { API, ask } from "./api.js";
import { pause } from "./dom.js";

// Calls act(name, data) for each event until the job has ended or the signal says stop; connects again by itself.
export async function watch(job, signal, act, lost) {
  let wait = 500;
  while (!signal.aborted) {
    try {
      const reply = await ask("GET", `${API}/jobs/${job}/events`, { signal });
      lost(false);
      for await (const [name, data] of events(reply.body)) {
        wait = 500;
        act(name, data);
        if (name !== "progress") return;
      }
    } catch (error) {
      if (signal.aborted || error.status === 401 || error.status === 404) return;
      lost(true);
    }
    await pause(wait, signal);
    wait = Math.min(wait * 2, 8000);
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const whole = text.split("\n\n");
    text = whole.pop();
    for (const block of whole) {
      const fields = Object.fromEntries(block.split("\n").map((line) => {
        const colon = line.indexOf(": ");
        return [line.slice(0, colon), line.slice(colon + 2)];
      }));
      if (fields.data) yield [fields.event ?? "message", JSON.parse(fields.data)];
    }
  }
}
