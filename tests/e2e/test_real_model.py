"""The same doors with the embedded models behind them: real answers, no network."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from google import genai

from tests.e2e.jobs import EMBEDDING_MODEL, MODEL, download, ended, succeeded, upload, write_lines
from tests.e2e.samples import job_names, run_python
from tests.e2e.server import Server

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

PERSON = {
    "type": "OBJECT",
    "properties": {
        "name": {"type": "STRING", "maxLength": 40},
        "mood": {"type": "STRING", "enum": ["happy", "sad", "calm"]},
        "scores": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": 1, "maxItems": 4},
        "home": {
            "type": "OBJECT",
            "properties": {"city": {"type": "STRING", "maxLength": 30}, "big": {"type": "BOOLEAN"}},
            "required": ["city", "big"],
        },
    },
    "required": ["name", "mood", "scores", "home"],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("real"), engine=None)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def client(server: Server) -> genai.Client:
    return server.client()


def test_a_model_answers(client: genai.Client) -> None:
    reply = client.models.generate_content(
        model=MODEL,
        contents="What is the capital of France?",
        config={"temperature": 0, "max_output_tokens": 30},
    )
    assert "Paris" in reply.text
    assert reply.model_version == "SmolLM2-135M-Instruct", "says which model really answered"
    assert reply.usage_metadata.prompt_token_count > 5


def test_an_inline_job_with_system_instruction_and_metadata(client: genai.Client) -> None:
    capitals = {"France": "Paris", "Japan": "Tokyo", "Italy": "Rome", "Germany": "Berlin"}
    config = {
        "temperature": 0,
        "max_output_tokens": 40,
        "system_instruction": "Answer in one short sentence.",
    }
    source = [
        {"contents": f"What is the capital of {land}?", "metadata": {"land": land}, "config": config}
        for land in capitals
    ]
    job = succeeded(client, client.batches.create(model=MODEL, src=source))
    answers = {item.metadata["land"]: item.response.text for item in job.dest.inlined_responses}
    assert list(answers) == list(capitals)
    right = [land for land, capital in capitals.items() if capital in answers[land]]
    assert len(right) >= 3, answers  # a small model may miss one


def valid_people(texts: list[str]) -> list[dict[str, object]]:
    schema = json.loads(
        json.dumps(PERSON)
        .replace("OBJECT", "object")
        .replace("STRING", "string")
        .replace("ARRAY", "array")
        .replace("INTEGER", "integer")
        .replace("BOOLEAN", "boolean")
    )
    people = [json.loads(text) for text in texts]
    for person in people:
        jsonschema.validate(person, schema)
    return people


def structured_output(client: genai.Client, count: int) -> None:
    config = {
        "response_mime_type": "application/json",
        "response_schema": PERSON,
        "max_output_tokens": 1000,
    }
    source = [{"contents": f"Describe person number {n} as JSON.", "config": config} for n in range(count)]
    job = succeeded(client, client.batches.create(model=MODEL, src=source), timeout_s=250)
    assert len(valid_people([item.response.text for item in job.dest.inlined_responses])) == count


def test_structured_output_fits_its_schema(client: genai.Client) -> None:
    structured_output(client, 6)


@pytest.mark.slow
def test_a_hundred_structured_outputs_fit_their_schema(client: genai.Client) -> None:
    """Acceptance 8."""
    structured_output(client, 100)


def test_an_answer_that_is_cut_off_says_so(client: genai.Client) -> None:
    reply = client.models.generate_content(
        model=MODEL, contents="Tell me a very long story.", config={"max_output_tokens": 8, "temperature": 0}
    )
    assert reply.candidates[0].finish_reason.name == "MAX_TOKENS"
    assert reply.usage_metadata.candidates_token_count == 8


def test_embeddings_know_what_is_alike(client: genai.Client, tmp_path: Path) -> None:
    texts = ["A cat sleeps on the sofa.", "A kitten naps on the couch.", "The stock market fell sharply."]
    lines = [
        {"key": str(n), "request": {"content": {"parts": [{"text": text}]}}} for n, text in enumerate(texts)
    ]
    name = upload(client, write_lines(tmp_path / "in.jsonl", lines))
    job = client.batches.create_embeddings(model=EMBEDDING_MODEL, src={"file_name": name})
    found = download(client, succeeded(client, job))
    cat, kitten, market = (line["response"]["embedding"]["values"] for line in found)
    assert len(cat) == 384

    def alike(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert alike(cat, kitten) > 0.5 > alike(cat, market)


def test_what_the_model_cannot_do_fails_that_request_alone(client: genai.Client) -> None:
    pixel = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    source = [
        {"contents": [{"parts": [pixel, {"text": "what is this?"}]}]},
        {"contents": "who won?", "config": {"tools": [{"google_search": {}}]}},
        {"contents": "Say hello.", "config": {"max_output_tokens": 10}},
    ]
    image, search, plain = ended(
        client, client.batches.create(model=MODEL, src=source)
    ).dest.inlined_responses
    assert "image" in image.error.message
    assert "local" in image.error.message, "names the engine"
    assert "google_search" in search.error.message
    assert plain.response.text


def test_the_notebook_from_top_to_bottom(server: Server, tmp_path: Path) -> None:
    """Its poll gives up after ten waits; each is 4 s here instead of 10 s, so it must be done in 40 s."""
    printed = run_python("notebook.py", server, tmp_path, sleep_s=4)
    assert printed.count("Job finished with state: JOB_STATE_SUCCEEDED") == 2
    assert "No results found" not in printed


def test_two_hundred_yes_or_no(server: Server, client: genai.Client, tmp_path: Path) -> None:
    """Acceptance 3, second half: 200 responses, none an error; what it answers is the small model's affair."""
    [name] = job_names(run_python("order_200.py", server, tmp_path, sleep_s=0.5))
    responses = ended(client, name).dest.inlined_responses
    assert len(responses) == 200
    assert [item.error for item in responses if item.error] == []
    assert all(item.response.usage_metadata.candidates_token_count <= 5 for item in responses)
