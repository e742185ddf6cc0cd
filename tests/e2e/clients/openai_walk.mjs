// The batch guide of OpenAI's documentation, from upload to cancel, and a streamed chat. Prints what it saw.
import fs from "fs";
import OpenAI, { toFile } from "openai";

const openai = new OpenAI(); // OPENAI_BASE_URL and OPENAI_API_KEY
const seen = {};

const lines = [1, 2, 3].map((n) =>
  JSON.stringify({
    custom_id: `request-${n}`,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "gpt-4o-mini", messages: [{ role: "user", content: `Hello ${n}` }] },
  }),
);
fs.writeFileSync("batchinput.jsonl", lines.join("\n"));
const file = await openai.files.create({
  file: fs.createReadStream("batchinput.jsonl"),
  purpose: "batch",
});
seen.bytes = file.bytes;

let batch = await openai.batches.create({
  input_file_id: file.id,
  endpoint: "/v1/chat/completions",
  completion_window: "24h",
});
seen.first = batch.status;
while (!["completed", "failed", "expired", "cancelled"].includes(batch.status)) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  batch = await openai.batches.retrieve(batch.id);
}
seen.last = batch.status;
seen.counts = batch.request_counts;
const content = await openai.files.content(batch.output_file_id);
seen.results = (await content.text())
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line))
  .map((result) => [result.custom_id, result.response.body.choices[0].message.content]);

const other = await openai.batches.create({
  input_file_id: (await openai.files.create({ file: await toFile(Buffer.from(lines[0]), "a.jsonl"), purpose: "batch" })).id,
  endpoint: "/v1/chat/completions",
  completion_window: "24h",
});
seen.cancelled = (await openai.batches.cancel(other.id)).status;
seen.listed = [];
for await (const found of await openai.batches.list({ limit: 1 })) seen.listed.push(found.id);
seen.ids = [other.id, batch.id];

seen.streamed = "";
const stream = await openai.chat.completions.create({
  model: "gpt-4o-mini",
  messages: [{ role: "user", content: "say it in pieces" }],
  stream: true,
});
for await (const chunk of stream) seen.streamed += chunk.choices[0]?.delta?.content || "";
seen.embedding = (await openai.embeddings.create({ model: "text-embedding-3-small", input: "x" })).data[0].embedding.length;
seen.deleted = (await openai.files.del?.(file.id) ?? (await openai.files.delete(file.id))).deleted;
try {
  await openai.batches.retrieve("batch_nothing");
} catch (error) {
  seen.missing = [error.status, error.message];
}
console.log(JSON.stringify(seen));
