"""The scenes of the demo: an inline job, a file job with a crash in the middle, an embeddings job.

Each shows the SDK code that it runs, then does exactly that, and looks whether what was promised is so.
"""

import json
import math
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backburner.cli.demo_server import DemoServer
from backburner.cli.demo_stage import Stage
from backburner.cli.meter import meter
from backburner.core.exchange import Json
from backburner.core.job import Counts

if TYPE_CHECKING:
    from google import genai
    from google.genai import types

MODEL = "gemini-2.5-flash"
EMBEDDING_MODEL = "gemini-embedding-001"
LOOK_S = 0.1
KILL_AFTER = 6  # answers of the file job that are there before the server is killed
RUNNING = ("JOB_STATE_PENDING", "JOB_STATE_RUNNING")

QUESTIONS = ("Who wrote Hamlet?", "What do bees make?", "What is ice made of?")
PEOPLE = (
    "Ben, 61, moved to Lisbon last year.",
    "My sister Carla turned 29 in Rome.",
    "Emma is a 52 year old doctor from Dublin.",
)
COUNTRIES = (
    "France", "Japan", "Italy", "Egypt", "Canada", "Brazil", "Spain", "Greece", "Norway",
    "Kenya", "Peru", "India", "Austria", "Portugal", "Sweden", "Ireland", "Mexico", "Chile",
    "Argentina", "Germany", "Russia", "China", "Thailand", "Vietnam", "Iran", "Iraq", "Hungary",
    "Ghana", "Romania", "Bulgaria", "Cambodia", "Australia", "Malaysia", "Qatar", "Afghanistan", "Syria",
)  # fmt: skip
SENTENCES = (
    "The cat is asleep on the sofa.",
    "Interest rates were raised again by the bank.",
    "A kitten naps on the couch.",
    "The striker scored twice in the final.",
    "Borrowing money has become more expensive.",
    "Our team won the football match.",
    "Boil the pasta in salted water.",
    "Cook the spaghetti for nine minutes.",
)


async def inline_job(stage: Stage, server: DemoServer) -> bool:
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        age: int
        city: str

    stage.title("An inline job: questions with a system instruction, and answers that fit a class")
    stage.code(
        "class Person(BaseModel):\n    name: str; age: int; city: str\n\n"
        f'job = client.batches.create(model="{MODEL}", src=[\n'
        '    {"contents": "Who wrote Hamlet?", "config": {"system_instruction": "Answer in one short sentence."},\n'
        '     "metadata": {"n": "0"}}, ...,\n'
        '    {"contents": "Ben, 61, moved to Lisbon last year.", "metadata": {"n": "3"},\n'
        '     "config": {"response_mime_type": "application/json", "response_schema": Person}}, ...])'
    )
    asked = {"system_instruction": "Answer in one short sentence.", "temperature": 0, "max_output_tokens": 48}
    shaped = {
        "system_instruction": "Extract the person: name, age and city.",
        "temperature": 0,
        "max_output_tokens": 96,
    }
    shaped |= {"response_mime_type": "application/json", "response_schema": Person}
    wanted = [(text, asked) for text in QUESTIONS]
    wanted += [(f"Who is this about? {text}", shaped) for text in PEOPLE]
    source: Json = [
        {"contents": text, "config": config, "metadata": {"n": str(place)}}
        for place, (text, config) in enumerate(wanted)
    ]
    client = server.client()
    job = client.batches.create(model=MODEL, src=source, config={"display_name": "demo: inline"})
    done = await _followed(stage, server, client, _name(job))
    replies = (done.dest and done.dest.inlined_responses) or []
    stage.answers(
        [
            (text, _text(reply.response) if reply.response else str(reply.error))
            for text, reply in zip((*QUESTIONS, *PEOPLE), replies, strict=False)
        ]
    )
    places = [(reply.metadata or {}).get("n") for reply in replies]
    ordered = stage.check(
        places == [str(place) for place in range(len(source))],
        f"{len(replies)} answers in the order of the requests, each with its metadata.",
    )
    people = [_fits(Person.model_validate_json, _text(reply.response)) for reply in replies[len(QUESTIONS) :]]
    fits = stage.check(all(people), f"{sum(people)} of {len(PEOPLE)} structured answers fit the class.")
    return ordered and fits


async def file_job(stage: Stage, server: DemoServer) -> bool:
    stage.title(f"A file job of {len(COUNTRIES)} lines, and kill -9 in the middle of it")
    stage.code(
        'file = client.files.upload(file="questions.jsonl", config={"mime_type": "jsonl"})\n'
        f'job = client.batches.create(model="{MODEL}", src=file.name)\n'
        "answers = client.files.download(file=job.dest.file_name)"
    )
    client = server.client()
    with tempfile.TemporaryDirectory(prefix="backburner-demo-") as folder:
        path = Path(folder) / "questions.jsonl"
        path.write_text("".join(json.dumps(_line(country)) + "\n" for country in COUNTRIES))
        file = client.files.upload(file=str(path), config={"mime_type": "jsonl", "display_name": "questions"})
    assert file.name is not None
    job = client.batches.create(model=MODEL, src=file.name, config={"display_name": "demo: file"})
    kept = await _killed_once(stage, server, _name(job))
    done = await _followed(stage, server, client, _name(job))
    assert done.dest is not None and done.dest.file_name is not None, done
    lines: list[Json] = [
        json.loads(line) for line in client.files.download(file=done.dest.file_name).splitlines()
    ]
    stage.answers([(line["key"], _line_text(line)) for line in lines])
    ordered = stage.check(
        [line["key"] for line in lines] == list(COUNTRIES),
        f"{len(lines)} lines in the order of the input, each key once, the crash notwithstanding.",
    )
    return kept and ordered


async def _killed_once(stage: Stage, server: DemoServer, job: str) -> bool:
    """Kills the server when a few answers are there, starts it again, looks whether they still are."""
    state, counts = server.look(job)
    while state in RUNNING and counts.succeeded < KILL_AFTER:
        await stage.clock.sleep(LOOK_S / 2)
        state, counts = server.look(job)
    stage.say(f"{counts.succeeded} answers are there, {counts.pending} are not. Now the power goes:")
    stage.code(f"kill -9 {server.pid}")
    server.kill()
    stage.say("Started again, told nothing about the job:")
    stage.code(server.command_line)
    await server.start()
    _, after = server.look(job)
    return stage.check(
        after.succeeded >= counts.succeeded and after.total == len(COUNTRIES),
        f"{after.succeeded} answers are there, {counts.succeeded} had been seen before; the job goes on by itself.",
    )


async def embeddings_job(stage: Stage, server: DemoServer) -> bool:
    stage.title("An embeddings job: which sentences mean the same?")
    stage.code(
        f'job = client.batches.create_embeddings(model="{EMBEDDING_MODEL}",\n'
        '    src={"inlined_requests": {"contents": ["The cat is asleep on the sofa.", ...]}})'
    )
    client = server.client()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK calls this method experimental each time
        job = client.batches.create_embeddings(
            model=EMBEDDING_MODEL,
            src={"inlined_requests": {"contents": list(SENTENCES)}},
            config={"display_name": "demo: embeddings"},
        )
    done = await _followed(stage, server, client, _name(job))
    replies = (done.dest and done.dest.inlined_embed_content_responses) or []
    vectors = [
        list(reply.response.embedding.values or []) if reply.response and reply.response.embedding else []
        for reply in replies
    ]
    if not stage.check(len(vectors) == len(SENTENCES) and all(vectors), f"{len(vectors)} vectors came back."):
        return False
    stage.answers(
        [
            (f"cosine {near:.2f}", f"{SENTENCES[first]} ~ {SENTENCES[second]}")
            for near, first, second in pairs(vectors)
        ]
    )
    return True


def pairs(vectors: Sequence[Sequence[float]]) -> list[tuple[float, int, int]]:
    """Each vector's nearest neighbour, every pair once, the nearest first: (cosine, one, other)."""
    found: dict[tuple[int, int], float] = {}
    for here, vector in enumerate(vectors):
        near, there = max((cosine(vector, other), at) for at, other in enumerate(vectors) if at != here)
        found[min(here, there), max(here, there)] = near
    return sorted(((near, first, second) for (first, second), near in found.items()), reverse=True)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))


async def _followed(stage: Stage, server: DemoServer, client: "genai.Client", job: str) -> "types.BatchJob":
    """Shows the progress that the wire tells until the job has ended; the job as the SDK sees it."""
    began = stage.clock.monotonic()
    with meter(stage.clock) as shown:
        while True:
            state, counts = server.look(job)
            shown.show(counts, whole=True)
            if state not in RUNNING:
                break
            await stage.clock.sleep(LOOK_S)
    stage.say(f"{state}: {_in_words(counts)} in {stage.clock.monotonic() - began:.1f} s.")
    return client.batches.get(name=job)


def _in_words(counts: Counts) -> str:
    failed = f", {counts.failed} failed" if counts.failed else ""
    return f"{counts.succeeded} of {counts.total} succeeded{failed}"


def _line(country: str) -> Json:
    return {
        "key": country,
        "request": {
            "systemInstruction": {"parts": [{"text": "You know geography. Answer in one short sentence."}]},
            "contents": [{"role": "user", "parts": [{"text": f"What is the capital of {country}?"}]}],
            "generationConfig": {"temperature": 0, "maxOutputTokens": 40},
        },
    }


def _line_text(line: Json) -> str:
    if "response" not in line:
        return str(line.get("error"))
    return "".join(part.get("text", "") for part in line["response"]["candidates"][0]["content"]["parts"])


def _name(job: "types.BatchJob") -> str:
    assert job.name is not None
    return job.name


def _text(response: "types.GenerateContentResponse | None") -> str:
    return (response.text if response else None) or ""


def _fits(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
