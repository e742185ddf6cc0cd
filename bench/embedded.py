"""The embedded engine through the whole service, beside the runtime's own loop: short chats and embeddings."""

import json
import subprocess
import sys
import time
from pathlib import Path

from bench.rows import REPO, Row, skipped
from bench.service import asking, create, ended, folder, seconds, upload, write_lines
from tests.conftest import MODELS
from tests.e2e.server import Server

from backburner.config import CHAT_MODEL, EMBEDDING_MODEL

SLOTS, TOKENS, BATCH = 64, 64, 64
EMBED = "gemini-embedding-001"
WORDS = (
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "seven",
    "bright",
    "ideas",
    "sleep",
    "under",
    "old",
    "green",
    "trees",
)


def prompts(count: int, run: int) -> list[str]:
    return [f"Tell me something about the number {run * count + n}." for n in range(count)]


def texts(count: int, run: int) -> list[str]:
    return [
        " ".join(WORDS[(n + k) % len(WORDS)] for k in range(30)) + f" {run * count + n}" for n in range(count)
    ]


def runtime(kind: str, model: str, asked: list[str], *numbers: int) -> float:
    """Tokens of answers, or embeddings, per second of the runtime alone, in a process of its own."""
    with folder() as made:
        path = made / "asked.json"
        path.write_text(json.dumps(asked))
        command = [sys.executable, "-m", "bench.runtime_loop", kind, str(MODELS / model), str(path)]
        done = subprocess.run(
            [*command, *map(str, numbers)], cwd=REPO, capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        return (found["tokens"] if kind == "chat" else found["requests"]) / found["seconds"]


def chat(server: Server, asked: list[str]) -> float:
    lines = (asking(text, maxOutputTokens=TOKENS, temperature=0) for text in asked)
    file = upload(server, write_lines(server.folder / "in.jsonl", lines))
    begun = time.perf_counter()
    found = ended(server, create(server, file))
    return found["usage"]["output_tokens"] / (time.perf_counter() - begun)


def embed(server: Server, asked: list[str]) -> float:
    lines = ({"content": {"parts": [{"text": text}]}} for text in asked)
    path = write_lines(server.folder / "in.jsonl", lines)
    return len(asked) / seconds(server, upload(server, path), EMBED)


def served(made: Path) -> Server:
    """With both models open, as they are after the first call."""
    return Server(made, engine=None, options=("--no-pull",)).start()


def measure(quick: bool) -> list[Row]:
    if not (MODELS / CHAT_MODEL).exists():
        return [skipped("embedded", "the embedded engine", "its models are not there: make models")]
    chats, vectors, times = (24, 200, 1) if quick else (200, 2_000, 3)
    found: dict[str, list[float]] = {"chat": [], "runtime": [], "embed": [], "infer": []}
    for run in range(times):
        found["runtime"].append(runtime("chat", CHAT_MODEL, prompts(chats, run), TOKENS, SLOTS))
        found["infer"].append(runtime("embed", EMBEDDING_MODEL, texts(vectors, run), BATCH))
        with folder() as made:
            server = served(made)
            try:
                chat(server, ["Hello."])
                found["chat"].append(chat(server, prompts(chats, run)))
            finally:
                server.kill()
        with folder() as made:
            server = served(made)
            try:
                embed(server, ["Hello."])
                found["embed"].append(embed(server, texts(vectors, run)))
            finally:
                server.kill()
    return [
        Row(
            name="embedded-chat",
            what="tokens of answers of the embedded model",
            unit="/s",
            runs=found["chat"],
            against="the runtime's own loop",
            beside=found["runtime"],
            target=">= 0.95",
            how=f"{chats} short unique chats of up to {TOKENS} tokens, {SLOTS} in flight, the model open;",
        ),
        Row(
            name="embedded-embed",
            what="embeddings of the embedded model",
            unit="/s",
            runs=found["embed"],
            against="the runtime alone, in batches",
            beside=found["infer"],
            target=">= 0.9",
            how=f"{vectors:,} unique texts of 30 words, the model open;",
        ),
    ]
