"""The documentation's JavaScript samples on the JavaScript SDK (acceptance 2). Part of make test-all, which
installs the SDK; without npm they are skipped, visibly."""

import json
from pathlib import Path

import pytest
from google import genai

from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, asking, succeeded, upload, wire, write_lines
from tests.e2e.samples import job_names, js_sdks, run_node
from tests.e2e.server import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not js_sdks(), reason="no JavaScript SDK in .cache/js: run make test-all"),
]


@pytest.fixture(params=js_sdks(), ids=lambda sdk: f"genai-{sdk.name}")
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder in which a module finds the SDK."""
    (tmp_path / "node_modules").symlink_to(request.param / "node_modules")
    return tmp_path


def test_inline(server: Server, client: genai.Client, folder: Path) -> None:
    [name] = job_names(run_node("inline.mjs", server, folder))
    succeeded(client, name)
    assert "Job finished with state: JOB_STATE_SUCCEEDED" in run_node("poll.mjs", server, folder, name)
    printed = run_node("results.mjs", server, folder, name)
    # The sample prints objects, to a depth: the SDK's inline responses have no `.text` (js-genai#1433).
    assert "Results are inline:\nResponse 1:\n" in printed
    assert "\nResponse 2:\n" in printed
    assert "modelVersion:" in printed
    assert "Error:" not in printed


def test_input_file(server: Server, client: genai.Client, folder: Path) -> None:
    # The sample does not wait for its file to be written before it uploads it; so it is there beforehand.
    lines = ({"key": f"request-{n}", "request": asking(text)} for n, text in ((1, "one"), (2, "two")))
    write_lines(folder / "my-batch-requests.jsonl", lines)
    try:
        printed = run_node("input_file.mjs", server, folder)
    except AssertionError:
        printed = run_node("input_file.mjs", server, folder)
    [name] = job_names(printed)
    succeeded(client, name)
    # The sample's download names no path, which the SDK answers with nothing (js-genai#1184); ours does.
    assert "Results are in file: files/batch-" in run_node("results.mjs", server, folder, name)
    (folder / "download.mjs").write_text(
        "import {GoogleGenAI} from '@google/genai';\n"
        "const ai = new GoogleGenAI({apiKey: process.env.GEMINI_API_KEY});\n"
        "const job = await ai.batches.get({name: process.argv[2]});\n"
        "await ai.files.download({file: job.dest.fileName, downloadPath: 'results.jsonl'});\n"
    )
    run_node("download.mjs", server, folder, name)
    found = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    assert [line["key"] for line in found] == ["request-1", "request-2"]


def test_embeddings(server: Server, client: genai.Client, folder: Path) -> None:
    from_file, inline = job_names(run_node("embeddings.mjs", server, folder))
    succeeded(client, from_file)
    succeeded(client, inline)
    assert "Embedding results found inline:" in run_node("results.mjs", server, folder, inline)


@pytest.mark.parametrize("sample", ["system_instruction.mjs", "google_search.mjs", "structured_output.mjs"])
def test_request_configuration(server: Server, client: genai.Client, folder: Path, sample: str) -> None:
    [name] = job_names(run_node(sample, server, folder))
    first, second = succeeded(client, name).dest.inlined_responses
    assert first.response.text
    if sample == "google_search.mjs":
        assert "google_search" in second.error.message
    else:
        assert second.response.text
    if sample == "structured_output.mjs":
        assert all("recipeName" in recipe for recipe in json.loads(first.response.text))


def test_poll_cancel_and_delete(serve: Serve, folder: Path) -> None:
    server = serve("simulated:latency_ms=3000")
    client = server.client()
    lines = ({"key": str(n), "request": asking("x")} for n in range(500))
    name = client.batches.create(
        model=MODEL, src=upload(client, write_lines(folder / "in.jsonl", lines))
    ).name
    run_node("cancel.mjs", server, folder, name)
    assert wire(server, name)["metadata"]["state"] == "JOB_STATE_CANCELLED"
    assert "JOB_STATE_CANCELLED" in run_node("poll.mjs", server, folder, name)
    run_node("delete.mjs", server, folder, name)
    assert server.http("GET", f"/v1beta/{name}").status == 404
