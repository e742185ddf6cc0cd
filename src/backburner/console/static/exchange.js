// What a line of an input asks and what a line of results answers, in each of the three wire formats.
//
// A turn is {who, parts}; a part is {kind: "text" | "json" | "image" | "call" | "vector" | "other", ...}.

const of = (object, ...names) => names.map((name) => object?.[name]).find((value) => value !== undefined && value !== null);
const list = (value) => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);

export function turnsOf(line) {
  if (typeof line === "string") return [{ who: "Not JSON", parts: [{ kind: "text", text: line }] }];
  if (line?.params) return anthropicTurns(line.params);
  if (line?.body) return openaiTurns(line.body);
  return geminiTurns(line?.request ?? line ?? {});
}

// {turns, error: {code, message} | null, finish}
export function answerOf(line) {
  if (!line) return { turns: [], error: null };
  if (line.result) return anthropicAnswer(line.result);
  if (line.response?.body || line.response?.status_code) return openaiAnswer(line);
  if (line.error && !line.response) return { turns: [], error: line.error };
  return geminiAnswer(line.response ?? {});
}

// -- Gemini

function geminiTurns(request) {
  const system = of(request, "systemInstruction", "system_instruction");
  const turns = system ? [{ who: "System", parts: geminiParts(system) }] : [];
  for (const content of list(of(request, "contents", "content"))) {
    turns.push({ who: content?.role === "model" ? "Model" : "User", parts: geminiParts(content) });
  }
  return turns;
}

function geminiParts(content) {
  if (typeof content === "string") return [textPart(content)];
  return list(content?.parts).map((part) => {
    if (typeof part === "string" || part?.text !== undefined) return textPart(part.text ?? part);
    const data = of(part, "inlineData", "inline_data");
    if (data) return imagePart(of(data, "mimeType", "mime_type"), data.data);
    const call = of(part, "functionCall", "function_call");
    if (call) return { kind: "call", name: call.name, value: call.args };
    const file = of(part, "fileData", "file_data");
    if (file) return { kind: "other", text: of(file, "fileUri", "file_uri") };
    return { kind: "json", value: part };
  });
}

function geminiAnswer(response) {
  const embedding = response.embedding ?? response.embeddings?.[0];
  if (embedding) return { turns: [{ who: "Vector", parts: [{ kind: "vector", values: embedding.values ?? [] }] }], error: null };
  const turns = list(response.candidates).map((candidate) => ({ who: "Model", parts: geminiParts(candidate.content) }));
  const first = response.candidates?.[0];
  const blocked = response.promptFeedback?.blockReason;
  return { turns, error: blocked ? { code: blocked, message: "The prompt was blocked." } : null, finish: first?.finishReason, why: first?.finishMessage };
}

// -- OpenAI

function openaiTurns(body) {
  if (body.messages) return body.messages.map((one) => ({ who: title(one.role), parts: [...openaiParts(one.content), ...calls(one.tool_calls)] }));
  const system = body.instructions ? [{ who: "System", parts: [textPart(body.instructions)] }] : [];
  const input = of(body, "input", "prompt");
  const asked = list(input).map((one) => typeof one === "string"
    ? { who: "User", parts: [textPart(one)] }
    : { who: title(one?.role ?? "user"), parts: openaiParts(one?.content ?? one) });
  return [...system, ...asked];
}

function openaiParts(content) {
  return list(content).map((part) => {
    if (typeof part === "string") return textPart(part);
    if (part?.text !== undefined) return textPart(part.text);
    const url = part?.image_url?.url ?? part?.image_url;
    const data = typeof url === "string" && /^data:([^;,]+);base64,(.*)$/s.exec(url);
    if (data) return imagePart(data[1], data[2]);
    return url ? { kind: "other", text: url } : { kind: "json", value: part };
  });
}

const calls = (found) => list(found).map((one) => ({ kind: "call", name: one.function?.name, value: parsed(one.function?.arguments) }));

function openaiAnswer(line) {
  const body = line.response?.body ?? {};
  const error = line.error ?? body.error ?? null;
  if (error) return { turns: [], error };
  if (body.data) return { turns: body.data.map((one) => ({ who: "Vector", parts: [{ kind: "vector", values: list(one.embedding) }] })), error: null };
  const turns = body.choices
    ? body.choices.map((one) => ({ who: "Model", parts: one.message ? [...openaiParts(one.message.content), ...calls(one.message.tool_calls)] : openaiParts(one.text) }))
    : list(body.output).map((one) => ({ who: "Model", parts: openaiParts(one.content ?? one) }));
  return { turns, error: null, finish: body.choices?.[0]?.finish_reason ?? body.status };
}

// -- Anthropic

function anthropicTurns(params) {
  const system = params.system ? [{ who: "System", parts: anthropicParts(params.system) }] : [];
  return [...system, ...list(params.messages).map((one) => ({ who: title(one?.role), parts: anthropicParts(one?.content) }))];
}

function anthropicParts(content) {
  return list(content).map((block) => {
    if (typeof block === "string") return textPart(block);
    if (block?.type === "text") return textPart(block.text);
    if (block?.type === "tool_use") return { kind: "call", name: block.name, value: block.input };
    if (block?.source?.type === "base64") return imagePart(block.source.media_type, block.source.data);
    return { kind: "json", value: block };
  });
}

function anthropicAnswer(result) {
  if (result.type !== "succeeded") return { turns: [], error: result.error?.error ?? result.error ?? { code: result.type, message: "" } };
  const { content, stop_reason } = result.message ?? {};
  return { turns: [{ who: "Model", parts: anthropicParts(content) }], error: null, finish: stop_reason };
}

// -- parts

const title = (role) => (role === "assistant" ? "Model" : role ? role[0].toUpperCase() + role.slice(1) : "User");

export function parsed(text) {
  if (typeof text !== "string" || !/^\s*[[{]/.test(text)) return undefined;
  try { return JSON.parse(text); } catch { return undefined; }
}

function textPart(text) {
  const value = parsed(text);
  return value === undefined ? { kind: "text", text: String(text) } : { kind: "json", value };
}

const IMAGES = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;

function imagePart(type, data) {
  if (IMAGES.test(type ?? "") && /^[A-Za-z0-9+/=\s_-]*$/.test(data ?? "")) {
    return { kind: "image", url: `data:${type};base64,${data.replace(/-/g, "+").replace(/_/g, "/")}` };
  }
  return { kind: "other", text: `${type ?? "data"}, ${(data ?? "").length} characters of base64` };
}

// One line of what was said, for lists.
export function preview(turns) {
  const turn = turns.findLast?.((one) => one.who === "User") ?? turns.at(-1);
  const words = list(turn?.parts).map((part) => {
    if (part.kind === "text" || part.kind === "other") return part.text;
    if (part.kind === "json") return JSON.stringify(part.value);
    if (part.kind === "call") return `${part.name}(${JSON.stringify(part.value) ?? ""})`;
    return part.kind === "image" ? "[image]" : `[${part.values.length} numbers]`;
  });
  return words.join(" ").replace(/\s+/g, " ").trim().slice(0, 300);
}
