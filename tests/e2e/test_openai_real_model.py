"""The OpenAI door with the embedded models behind it: real answers, a real tool call, real JSON, real vectors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.e2e.openai_jobs import MODEL, client_of, completed, line, lines_of, start, text_of
from tests.e2e.server import Server

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

EMBEDDING = "text-embedding-3-small"
CAPITALS = {"France": "Paris", "Japan": "Tokyo", "Italy": "Rome"}
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 30}},
            "required": ["city"],
        },
    },
}


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Iterator[openai.OpenAI]:
    server = Server(tmp_path_factory.mktemp("real"), engine=None)
    server.start()
    yield client_of(server)
    server.kill()


def about(country: str) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": "Answer in one short sentence."},
        {"role": "user", "content": f"What is the capital of {country}?"},
    ]
    return {"messages": messages, "temperature": 0, "max_tokens": 30}


def test_a_batch_of_the_documented_kind(asking: openai.OpenAI) -> None:
    """The model's name is the documentation's own: the config maps it."""
    batch = completed(asking, start(asking, [line(c, about(c)) for c in CAPITALS]), timeout_s=120)
    results = lines_of(asking, batch.output_file_id)
    assert [result["custom_id"] for result in results] == list(CAPITALS)
    for result, capital in zip(results, CAPITALS.values(), strict=True):
        assert capital in text_of(result)
        body = result["response"]["body"]
        assert body["model"] == "SmolLM2-135M-Instruct", "says which model really answered"
        assert body["usage"]["prompt_tokens"] > 5


def test_a_stream_says_what_the_whole_answer_says(asking: openai.OpenAI) -> None:
    whole = asking.chat.completions.create(model=MODEL, **about("France"))
    with asking.chat.completions.stream(
        model=MODEL, stream_options={"include_usage": True}, **about("France")
    ) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        made = stream.get_final_completion()
    assert "".join(pieces) == made.choices[0].message.content == whole.choices[0].message.content
    assert len(pieces) > 1
    assert made.usage.total_tokens == whole.usage.total_tokens


def test_a_tool_call_in_chat_and_in_a_response(asking: openai.OpenAI) -> None:
    question: Any = [{"role": "user", "content": "What is the weather in Bern?"}]
    more: Any = {"model": MODEL, "temperature": 0, "tool_choice": "required"}
    choice = asking.chat.completions.create(messages=question, tools=[TOOL], **more).choices[0]
    [call] = choice.message.tool_calls
    assert (choice.finish_reason, call.function.name) == ("tool_calls", "get_weather")
    assert set(json.loads(call.function.arguments)) == {"city"}

    flat: Any = {"type": "function", **TOOL["function"]}
    response = asking.responses.create(input=question, tools=[flat], **more)
    [item] = response.output
    assert (item.type, item.name, item.arguments) == ("function_call", "get_weather", call.function.arguments)
    with asking.responses.stream(input=question, tools=[flat], **more) as events:
        [streamed] = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert streamed.arguments == item.arguments


def test_structured_output(asking: openai.OpenAI) -> None:
    text: Any = [{"role": "user", "content": "Ada is 36 years old."}]
    found = asking.chat.completions.parse(model=MODEL, messages=text, response_format=Person, temperature=0)
    assert isinstance(found.choices[0].message.parsed, Person)
    response = asking.responses.parse(model=MODEL, input=text, text_format=Person, temperature=0)
    assert isinstance(response.output_parsed, Person)


def dot(one: list[float], other: list[float]) -> float:
    return sum(x * y for x, y in zip(one, other, strict=True))


def test_embeddings(asking: openai.OpenAI) -> None:
    texts = ["a cat on a mat", "a kitten on a rug", "quarterly tax returns"]
    found = asking.embeddings.create(model=EMBEDDING, input=texts)
    cat, kitten, tax = (row.embedding for row in found.data)
    assert dot(cat, kitten) > dot(cat, tax)
    body = {"model": EMBEDDING, "input": texts}
    batch = start(asking, [line("a", body, "/v1/embeddings")], "/v1/embeddings")
    [result] = lines_of(asking, completed(asking, batch).output_file_id)
    rows = result["response"]["body"]["data"]
    assert [row["embedding"] for row in rows] == [pytest.approx(v, abs=1e-5) for v in (cat, kitten, tax)]


def test_what_this_model_cannot_do_is_said(asking: openai.OpenAI) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    for more, words in (
        ({"messages": [{"role": "user", "content": [image]}]}, "image input"),
        ({"reasoning_effort": "high"}, "thinking"),
        ({"logit_bias": {"5": 1}}, "logit bias"),
        ({"extra_body": {"min_p": 0.1}}, "parameters that only some servers know"),
    ):
        with pytest.raises(openai.BadRequestError, match=words):
            asking.chat.completions.create(**{"model": MODEL, **about("France"), **more})
