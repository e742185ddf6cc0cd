// A new job, from what the form says: the call that makes it, and the code that would have made the same.

import { ask } from "./api.js";

export const ON_INVALID = "x-backburner-on-invalid";
export const HOLD = "x-backburner-hold";

// The lines of an input made of prompts, one per line of the text.
export function linesOfPrompts({ prompts, system, temperature, mostTokens, embed }) {
  const texts = prompts.split("\n").map((text) => text.trim()).filter(Boolean);
  const config = {};
  if (temperature !== "") config.temperature = Number(temperature);
  if (mostTokens !== "") config.maxOutputTokens = Number(mostTokens);
  return texts.map((text, place) => {
    const content = { parts: [{ text }] };
    const request = embed ? { content } : { contents: [{ role: "user", ...content }] };
    if (!embed && system) request.systemInstruction = { parts: [{ text: system }] };
    if (!embed && Object.keys(config).length) request.generationConfig = config;
    return { key: `prompt-${place + 1}`, request };
  });
}

const verbOf = ({ embed }) => (embed ? "asyncBatchEmbedContent" : "batchGenerateContent");

function headersOf({ skip, hold }) {
  return { ...(skip ? { [ON_INVALID]: "skip" } : {}), ...(hold ? { [HOLD]: "canary" } : {}) };
}

// The new job's id.
export async function create(form, file, signal) {
  const path = `/v1beta/models/${form.model.replace(/^models\//, "").split("/").map(encodeURIComponent).join("/")}:${verbOf(form)}`;
  const batch = { displayName: form.name, priority: form.priority, inputConfig: { fileName: file } };
  const reply = await (await ask("POST", path, { body: { batch }, headers: headersOf(form), signal })).json();
  return reply.name.replace(/^batches\//, "");
}

export function samples(form, fileName) {
  const origin = location.origin, headers = headersOf(form), quoted = JSON.stringify;
  const extra = Object.entries(headers);
  const http = extra.length ? `, "headers": ${quoted(headers)}` : "";
  const method = form.embed ? "create_embeddings" : "create";
  const source = form.embed ? '{"file_name": file.name}' : "file.name";
  const python = `from google import genai

client = genai.Client(
    api_key="YOUR_KEY",
    http_options={"base_url": ${quoted(origin)}${http}},
)
file = client.files.upload(file=${quoted(fileName)}, config={"mime_type": "jsonl"})
job = client.batches.${method}(
    model=${quoted(form.model)},
    src=${source},
    config={"display_name": ${quoted(form.name)}},
)
print(job.name)

# once it has ended
job = client.batches.get(name=job.name)
print(client.files.download(file=job.dest.file_name).decode())
`;
  const javascript = `import { GoogleGenAI } from "@google/genai";

const ai = new GoogleGenAI({
  apiKey: "YOUR_KEY",
  httpOptions: { baseUrl: ${quoted(origin)}${extra.length ? `, headers: ${quoted(headers)}` : ""} },
});
const file = await ai.files.upload({ file: ${quoted(fileName)}, config: { mimeType: "jsonl" } });
const job = await ai.batches.${form.embed ? "createEmbeddings" : "create"}({
  model: ${quoted(form.model)},
  src: ${form.embed ? "{ fileName: file.name }" : "file.name"},
  config: { displayName: ${quoted(form.name)} },
});
console.log(job.name);
`;
  const shell = (text) => `'${text.replace(/'/g, "'\\''")}'`;
  const body = JSON.stringify({ batch: { displayName: form.name, priority: form.priority, inputConfig: { fileName: "FILE" } } });
  const curl = `FILE=$(curl -s ${shell(`${origin}/upload/v1beta/files`)} \\
  -H "x-goog-api-key: $KEY" -H "x-goog-upload-protocol: raw" -H "content-type: application/jsonl" \\
  --data-binary @${shell(fileName)} | sed -n 's/.*"name":"\\([^"]*\\)".*/\\1/p')
curl ${shell(`${origin}/v1beta/models/${form.model}:${verbOf(form)}`)} \\
  -H "x-goog-api-key: $KEY" -H "content-type: application/json" \\
${extra.map(([name, value]) => `  -H "${name}: ${value}" \\\n`).join("")}  -d ${shell(body).replace("FILE", "'\"$FILE\"'")}
`;
  return { Python: python, JavaScript: javascript, curl };
}
