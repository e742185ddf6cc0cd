"""Requests in the body of the create call: every answer in its place, with its metadata."""

import json

from google import genai
from google.genai import types

from tests.e2e.calls import Calls, ordinals
from tests.e2e.jobs import MODEL, SHOWS_METADATA, ended, succeeded, wire
from tests.e2e.server import Server

SEARCH = {"tools": [{"google_search": {}}]}


def test_answers_stand_in_input_order_though_calls_end_in_another(
    server: Server, client: genai.Client
) -> None:
    requests = [{"contents": f"say {number}", "metadata": {"key": f"k-{number}"}} for number in range(120)]
    job = succeeded(client, client.batches.create(model=MODEL, src=requests))

    responses = job.dest.inlined_responses
    assert [response.response.text for response in responses] == [f"say {n}" for n in range(120)]
    if SHOWS_METADATA:
        assert [response.metadata for response in responses] == [{"key": f"k-{n}"} for n in range(120)]
    job_id = job.name.removeprefix("batches/")
    order = ordinals([tag for tag in Calls(server.folder / "calls.jsonl").answered() if job_id in tag])
    assert sorted(order) == list(range(120)), "each request was called exactly once"
    assert order != sorted(order), "the engine must answer out of order for this test to mean anything"


def test_a_job_tells_what_it_is(server: Server, client: genai.Client) -> None:
    created = client.batches.create(
        model=f"models/{MODEL}", src=[{"contents": "hello"}], config={"display_name": "my first"}
    )
    assert created.name.startswith("batches/")
    assert created.display_name == "my first"
    assert created.model == f"models/{MODEL}"
    assert created.state.name in {"JOB_STATE_PENDING", "JOB_STATE_RUNNING"}

    job = succeeded(client, created)
    assert job.create_time <= job.end_time
    assert job.done
    operation = wire(server, job.name)
    assert operation["done"] is True
    assert operation["response"]["inlinedResponses"] == operation["metadata"]["output"]["inlinedResponses"], (
        "the documented scripts read the one copy, the SDKs the other"
    )


def test_an_answer_says_what_it_used_who_answered_and_why_it_stopped(client: genai.Client) -> None:
    source = [
        {"contents": "one two three"},
        {"contents": "one two three", "config": {"max_output_tokens": 2}},
    ]
    job = succeeded(client, client.batches.create(model=MODEL, src=source))

    whole, cut = (item.response for item in job.dest.inlined_responses)
    assert whole.candidates[0].finish_reason is types.FinishReason.STOP
    assert whole.usage_metadata.candidates_token_count == 3
    assert whole.usage_metadata.total_token_count == (
        whole.usage_metadata.prompt_token_count + whole.usage_metadata.candidates_token_count
    )
    assert cut.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    assert cut.text == "two three"
    assert whole.model_version
    assert whole.response_id != cut.response_id


def test_a_request_that_the_engine_cannot_do_fails_alone_and_names_the_feature(
    server: Server, client: genai.Client
) -> None:
    source = [
        {"contents": "first", "metadata": {"key": "a"}},
        {"contents": "who won?", "metadata": {"key": "b"}, "config": SEARCH},
        {"contents": "third", "metadata": {"key": "c"}},
    ]
    job = succeeded(client, client.batches.create(model=MODEL, src=source))

    first, second, third = job.dest.inlined_responses
    assert (first.response.text, third.response.text) == ("first", "third")
    assert second.response is None
    assert "google_search" in second.error.message
    if SHOWS_METADATA:
        assert [item.metadata["key"] for item in (first, second, third)] == ["a", "b", "c"]
    counts = wire(server, job.name)["metadata"]["batchStats"]
    assert (counts["successfulRequestCount"], counts["failedRequestCount"]) == ("2", "1")


def test_a_job_of_which_nothing_can_be_done_still_answers_every_request(client: genai.Client) -> None:
    source = [{"contents": f"who won {n}?", "config": SEARCH} for n in range(3)]
    job = ended(client, client.batches.create(model=MODEL, src=source))

    assert len(job.dest.inlined_responses) == 3
    assert all("google_search" in item.error.message for item in job.dest.inlined_responses)


def test_json_answers_fit_the_schema_of_their_request(client: genai.Client) -> None:
    class_schema = {
        "type": "OBJECT",
        "properties": {"name": {"type": "STRING"}, "grades": {"type": "ARRAY", "items": {"type": "INTEGER"}}},
        "required": ["name", "grades"],
    }
    config = {"response_mime_type": "application/json", "response_schema": class_schema}
    source = [{"contents": f"pupil {n}", "config": config} for n in range(4)]
    job = succeeded(client, client.batches.create(model=MODEL, src=source))

    for item in job.dest.inlined_responses:
        found = json.loads(item.response.text)
        assert isinstance(found["name"], str)
        assert all(isinstance(grade, int) for grade in found["grades"])
