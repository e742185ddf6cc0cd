// The message batches guide of Anthropic's documentation, from create to delete, and a streamed message. Prints what
// it saw.
import Anthropic from "@anthropic-ai/sdk";

const anthropic = new Anthropic(); // ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY
const seen = {};

const params = (content) => ({
  model: "claude-sonnet-5",
  max_tokens: 1024,
  messages: [{ role: "user", content }],
});
let batch = await anthropic.messages.batches.create({
  requests: [
    { custom_id: "my-first-request", params: params("Hello, world") },
    { custom_id: "my-second-request", params: params("Hi again, friend") },
  ],
});
seen.first = batch.processing_status;
while (batch.processing_status !== "ended") {
  await new Promise((resolve) => setTimeout(resolve, 50));
  batch = await anthropic.messages.batches.retrieve(batch.id);
}
seen.counts = batch.request_counts;
seen.results = [];
for await (const result of await anthropic.messages.batches.results(batch.id)) {
  seen.results.push([result.custom_id, result.result.type, result.result.message.content[0].text]);
}

const other = await anthropic.messages.batches.create({
  requests: [{ custom_id: "a", params: params("a") }],
});
seen.cancelled = (await anthropic.messages.batches.cancel(other.id)).processing_status;
seen.listed = [];
for await (const found of anthropic.messages.batches.list({ limit: 1 })) seen.listed.push(found.id);
seen.ids = [other.id, batch.id];

const stream = anthropic.messages.stream(params("say it in pieces"));
seen.streamed = "";
stream.on("text", (text) => (seen.streamed += text));
seen.stopped = (await stream.finalMessage()).stop_reason;
seen.counted = (await anthropic.messages.countTokens(params("two words"))).input_tokens;
seen.deleted = (await anthropic.messages.batches.delete(batch.id)).type;
try {
  await anthropic.messages.batches.retrieve(batch.id);
} catch (error) {
  seen.missing = [error.status, error.message];
}
console.log(JSON.stringify(seen));
