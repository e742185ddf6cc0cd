// Uploads by Google's resumable protocol, in pieces, so that progress can be shown and a broken piece sent again.

import { ask } from "./api.js";
import { pause } from "./dom.js";

const PIECE_BYTES = 8 * 1024 * 1024;
const TRIES = 4;

// The file's name, files/x. `told` is called with the part that is there, 0 to 1.
export async function upload(file, told, signal) {
  const begun = await ask("POST", "/upload/v1beta/files", {
    body: { file: { displayName: file.name } },
    signal,
    headers: {
      "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start",
      "x-goog-upload-header-content-length": String(file.size), "x-goog-upload-header-content-type": "application/jsonl",
    },
  });
  // our own origin, whatever the server calls itself
  const path = `/upload/v1beta/files${new URL(begun.headers.get("x-goog-upload-url")).search}`;
  let offset = 0;
  for (;;) {
    const end = Math.min(file.size, offset + PIECE_BYTES), last = end === file.size;
    const reply = await piece(path, file, offset, end, last, signal);
    told(file.size ? end / file.size : 1);
    if (last) return (await reply.json()).file.name;
    offset = end;
  }
}

async function piece(path, file, offset, end, last, signal) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await ask("POST", path, {
        raw: true, body: file.slice(offset, end), signal,
        headers: { "x-goog-upload-command": last ? "upload, finalize" : "upload", "x-goog-upload-offset": String(offset) },
      });
    } catch (error) {
      if (signal.aborted || error.status || tried === TRIES) throw error;
      await pause(500 * 2 ** tried, signal);
    }
  }
}

// How many lines a file has, and the text of those that are asked for (1-based), read as a stream.
export async function linesOf(file, wanted = new Set(), signal) {
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader();
  const texts = new Map();
  let number = 0, rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (signal?.aborted) { reader.cancel(); return { count: number, texts }; }
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines) {
      number += 1;
      if (wanted.has(number)) texts.set(number, line);
    }
    if (done) {
      if (lines.at(-1) === "") number -= 1; // the end of the last line is no line
      return { count: number, texts };
    }
  }
}
