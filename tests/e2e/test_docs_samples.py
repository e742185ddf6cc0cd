"""The documentation's Python and shell samples, the notebook and the ordering script, unchanged (acceptance 2, 3).

Only their waits between polls are shortened, from outside (hurried/sitecustomize.py).
"""

import json
import shutil
from pathlib import Path

import pytest
from google import genai

from tests.e2e.calls import Calls, ordinals
from tests.e2e.conftest import Serve
from tests.e2e.jobs import MODEL, asking, ended, succeeded, upload, wire, write_lines
from tests.e2e.samples import EXAMPLES, job_names, run_python, run_shell
from tests.e2e.server import Server

MISSING = [tool for tool in ("bash", "curl", "jq", "file") if not shutil.which(tool)]
needs_shell = pytest.mark.skipif(bool(MISSING), reason=f"the shell samples need {', '.join(MISSING)}")
PHOTOSYNTHESIS = "Describe the process of photosynthesis."
PIZZA = "What are the main ingredients in a Margherita pizza?"


def test_inline(server: Server, client: genai.Client, tmp_path: Path) -> None:
    [name] = job_names(run_python("gemini_docs/inline.py", server, tmp_path))
    responses = succeeded(client, name).dest.inlined_responses
    assert [item.response.text for item in responses] == [
        "Tell me a one-sentence joke.",
        "Why is the sky blue?",
    ]
    assert "Job finished with state: JOB_STATE_SUCCEEDED" in run_python(
        "gemini_docs/poll.py", server, tmp_path, name
    )
    printed = run_python("gemini_docs/results.py", server, tmp_path, name)
    assert "Response 1:\nTell me a one-sentence joke.\nResponse 2:\nWhy is the sky blue?" in printed


def test_input_file(server: Server, client: genai.Client, tmp_path: Path) -> None:
    [name] = job_names(run_python("gemini_docs/input_file.py", server, tmp_path))
    succeeded(client, name)
    printed = run_python("gemini_docs/results.py", server, tmp_path, name)
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert [line["key"] for line in lines] == ["request-1", "request-2"]
    assert PIZZA in printed


def test_embeddings(server: Server, client: genai.Client, tmp_path: Path) -> None:
    from_file, inline = job_names(run_python("gemini_docs/embeddings.py", server, tmp_path))
    assert len(succeeded(client, inline).dest.inlined_embed_content_responses) == 2
    succeeded(client, from_file)
    assert '"embedding"' in run_python("gemini_docs/results.py", server, tmp_path, from_file)


def test_system_instruction(server: Server, client: genai.Client, tmp_path: Path) -> None:
    [name] = job_names(run_python("gemini_docs/system_instruction.py", server, tmp_path))
    cloud, cat = succeeded(client, name).dest.inlined_responses
    assert cloud.response.text == "Write a short poem about a cloud."
    assert cat.response.usage_metadata.prompt_token_count > cloud.response.usage_metadata.prompt_token_count


def test_a_tool_that_the_engine_lacks(server: Server, client: genai.Client, tmp_path: Path) -> None:
    [name] = job_names(run_python("gemini_docs/google_search.py", server, tmp_path))
    plain, searching = succeeded(client, name).dest.inlined_responses
    assert plain.response.text == "Who won the euro 1998?"
    assert "google_search" in searching.error.message


def test_structured_output(server: Server, tmp_path: Path) -> None:
    printed = run_python("gemini_docs/structured_output.py", server, tmp_path)
    assert "JOB_STATE_SUCCEEDED" in printed
    recipes = [json.loads(line) for line in printed.splitlines() if line.startswith("[")]
    assert len(recipes) == 2
    assert all(set(recipe) == {"recipe_name", "ingredients"} for found in recipes for recipe in found)


def slow_job(server: Server, tmp_path: Path) -> str:
    client = server.client()
    lines = ({"key": str(n), "request": asking("x")} for n in range(500))
    name = upload(client, write_lines(tmp_path / "slow.jsonl", lines))
    return client.batches.create(model=MODEL, src=name).name


def test_cancel_and_delete(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=3000")
    name = slow_job(server, tmp_path)
    run_python("gemini_docs/cancel.py", server, tmp_path, name)
    assert wire(server, name)["metadata"]["state"] == "JOB_STATE_CANCELLED"
    run_python("gemini_docs/delete.py", server, tmp_path, name)
    assert server.http("GET", f"/v1beta/{name}").status == 404


@needs_shell
def test_the_shell_script_with_inline_requests(server: Server, client: genai.Client, tmp_path: Path) -> None:
    [name] = job_names(run_shell("inline.sh", server, tmp_path))
    succeeded(client, name)
    found = json.loads(run_shell("results.sh", server, tmp_path, name))
    items = found if isinstance(found, list) else found["inlinedResponses"]
    assert [item["metadata"]["key"] for item in items] == ["request-1", "request-2"]
    assert PHOTOSYNTHESIS in json.dumps(items[0]["response"])


@needs_shell
def test_the_shell_script_with_an_input_file(server: Server, client: genai.Client, tmp_path: Path) -> None:
    [name] = job_names(run_shell("input_file.sh", server, tmp_path))
    succeeded(client, name)
    lines = [json.loads(line) for line in run_shell("results.sh", server, tmp_path, name).splitlines()]
    assert [PHOTOSYNTHESIS in json.dumps(lines[0]), PIZZA in json.dumps(lines[1])] == [True, True]


@needs_shell
def test_the_shell_script_tells_a_running_and_a_cancelled_job(serve: Serve, tmp_path: Path) -> None:
    server = serve("simulated:latency_ms=3000")
    name = slow_job(server, tmp_path)
    assert "Batch has not finished processing" in run_shell("results.sh", server, tmp_path, name)
    assert run_shell("cancel.sh", server, tmp_path, name).strip().endswith("JOB_STATE_CANCELLED")
    assert "Batch was cancelled by the user" in run_shell("results.sh", server, tmp_path, name)
    run_shell("delete.sh", server, tmp_path, name)
    assert server.http("GET", f"/v1beta/{name}").status == 404


def test_the_notebook(server: Server, tmp_path: Path) -> None:
    printed = run_python("notebook.py", server, tmp_path)
    assert printed.count("Job finished with state: JOB_STATE_SUCCEEDED") == 2
    for answer in ("Tell me a one-sentence joke.", "Why is the sky blue?", PHOTOSYNTHESIS, PIZZA):
        assert f"\n{answer}\n" in printed


def test_two_hundred_yes_or_no_five_times(serve: Serve, tmp_path: Path) -> None:
    """Acceptance 3: calls end shuffled, answers come back in place."""
    server = serve("simulated:latency_ms=30,jitter=1,log=calls.jsonl")
    client = server.client()
    for _ in range(5):
        printed = run_python("order_200.py", server, tmp_path)
        assert "Total mismatches: 0 out of 200 requests" in printed
        [name] = job_names(printed)
        job = ended(client, name)
        assert len(job.dest.inlined_responses) == 200
        assert all(item.response for item in job.dest.inlined_responses), "the script skips errors; we do not"
        job_id = name.removeprefix("batches/")
        calls = Calls(server.folder / "calls.jsonl")
        order = ordinals([tag for tag in calls.answered() if job_id in tag])
        assert sorted(order) == list(range(200))
        assert order != sorted(order), "completion must be shuffled for this to mean anything"


def test_every_sample_is_run_by_a_test() -> None:
    """A sample that is added must be run: its name stands in one of the two files of tests."""
    here = Path(__file__).parent
    tests = (here / "test_docs_samples.py").read_text() + (here / "test_docs_javascript.py").read_text()
    samples = [
        path.name for path in (EXAMPLES / "gemini_docs").iterdir() if path.suffix in {".py", ".mjs", ".sh"}
    ]
    assert len(samples) > 20
    assert [name for name in samples if name not in tests] == []
