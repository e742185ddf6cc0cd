// What can be done with a job. Which buttons there are depends on its state alone.

import { API, ask, send } from "./api.js";
import { el, fill, tell } from "./dom.js";
import { doing, downloadLink, stateOf, sure } from "./parts.js";
import { count } from "./words.js";

export function actions(first, changed) {
  let job = first, shown = "";
  const node = el("div.row.actions", { role: "group", "aria-label": "Actions" });
  const verb = async (name, said) => { changed(await send("POST", `/jobs/${job.id}:${name}`)); tell(said); };

  async function cancel() {
    const left = job.counts.pending;
    if (await sure("Cancel this job?", `${count(left)} requests will not run. What has been answered stays.`, "Cancel the job")) await verb("cancel", "Cancelled");
  }
  async function again() {
    const next = await send("POST", `/jobs/${job.id}:retry`);
    tell("A new job runs what was not answered");
    location.hash = `#/jobs/${next.id}`;
  }
  async function prioritize(by) {
    changed(await send("PATCH", `/jobs/${job.id}`, { priority: job.priority + by }));
    tell(`Priority is ${job.priority}`);
  }
  async function remove() {
    if (!await sure("Delete this job?", "Its answers are deleted with it. This cannot be undone.", "Delete")) return;
    await send("DELETE", `/jobs/${job.id}`);
    tell("Deleted");
    location.hash = "#/jobs";
  }

  function draw() {
    const unanswered = job.counts.failed + job.counts.pending > 0;
    const name = `${(job.display_name || job.id).replace(/[^\w.-]+/g, "-").slice(0, 60)}.results.jsonl`;
    fill(node,
      stateOf(job) === "HELD" && doing("Run the rest", () => verb("approve", "The rest runs"), "primary"),
      job.results_file && downloadLink(job.results_file, name, "Download results", (path) => ask("GET", path)),
      job.errors_file && downloadLink(job.errors_file, name.replace("results", "errors"), "Download errors", (path) => ask("GET", path)),
      !job.results_file && job.counts.succeeded + job.counts.failed > 0 && soFar(job, name),
      job.ended && unanswered && doing(job.counts.pending ? "Run what is left" : "Re-run what failed", again),
      !job.ended && doing("Raise priority", () => prioritize(1)),
      !job.ended && job.priority > 0 && doing("Lower priority", () => prioritize(-1)),
      el("span.gap"),
      !job.ended && doing("Cancel", cancel, "quiet"),
      doing("Delete", remove, "quiet"));
  }
  return {
    node,
    update(next) {
      job = next;
      const now = JSON.stringify([job.id, stateOf(job), job.results_file, job.errors_file, job.priority, job.counts.succeeded + job.counts.failed > 0]);
      if (now !== shown) {
        const focused = node.contains(document.activeElement) ? document.activeElement.textContent : null;
        draw();
        if (focused) [...node.children].find((one) => one.textContent === focused)?.focus();
      }
      shown = now;
    },
  };
}

const soFar = (job, name) => isSecureContext
  ? el("a.button", { href: `${API}/jobs/${job.id}/results`, download: `so-far-${name}` }, "Download what is there")
  : null;
