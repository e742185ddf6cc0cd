"""Messages at once with the official Anthropic SDK: whole, streamed, counted, with tools and schemas."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

from tests.doubles.recording_server import Answer, RecordingServer
from tests.e2e.anthropic_batches import MODEL, client, ended, params, text_of
from tests.e2e.conftest import Serve
from tests.e2e.server import Server

WEATHER = {
    "name": "get_weather",
    "description": "The weather of a place",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}


@pytest.fixture
def asking(server: Server) -> anthropic.Anthropic:
    return client(server)


@pytest.fixture(scope="module")
def upstream() -> Iterator[RecordingServer]:
    """A vLLM look-alike that says what a test tells it to say."""
    with RecordingServer(models=("chat-model",)).in_thread() as server:
        yield server


@pytest.fixture
def through(serve: Serve, upstream: RecordingServer, tmp_path: Path) -> anthropic.Anthropic:
    config = tmp_path / "backburner.toml"
    config.write_text(
        f'[engines.gpu]\nkind = "openai"\nbase_url = "{upstream.base_url}"\n[models]\n"*" = "gpu/chat-model"\n'
    )
    upstream.requests.clear()
    return client(serve(engine=None, options=["--config", str(config)]))


def calling(name: str = "get_weather", arguments: str = '{"place": "Bern"}') -> Answer:
    """A completion that is one tool call."""
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    message = {"role": "assistant", "content": "Let me look.", "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": 9,
        "total_tokens": 29,
        "prompt_tokens_details": {"cached_tokens": 16},
    }
    return Answer(200, {"id": "c", "model": "chat-model", "choices": [choice], "usage": usage})


def test_a_message(asking: anthropic.Anthropic) -> None:
    made = asking.messages.create(**params("Hello, world", system="Be brief."))
    assert text_of(made) == "Hello, world"
    assert (made.role, made.type, made.stop_reason, made.stop_sequence) == (
        "assistant",
        "message",
        "end_turn",
        None,
    )
    assert (made.usage.input_tokens, made.usage.output_tokens) == (4, 2)
    assert made.usage.cache_read_input_tokens == 0
    assert made.id.startswith("msg_")
    cut = asking.messages.create(**params("one two three four", max_tokens=2))
    assert (text_of(cut), cut.stop_reason) == ("three four", "max_tokens")


def test_every_answer_has_a_request_id(asking: anthropic.Anthropic) -> None:
    found = asking.messages.with_raw_response.create(**params("x")).headers["request-id"]
    assert found.startswith("req_")
    assert asking.messages.with_raw_response.create(**params("x")).headers["request-id"] != found


def test_a_stream(asking: anthropic.Anthropic) -> None:
    with asking.messages.stream(**params("one two three four five")) as stream:
        pieces = list(stream.text_stream)
        made = stream.get_final_message()
    assert len(pieces) > 1
    assert "".join(pieces) == text_of(made) == "one two three four five"
    assert (made.stop_reason, made.usage.input_tokens, made.usage.output_tokens) == ("end_turn", 5, 5)


def test_the_events_of_a_stream(server: Server, asking: anthropic.Anthropic) -> None:
    kinds = [event.type for event in asking.messages.create(**params("one two"), stream=True)]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[2:-3]) == {"content_block_delta"}
    reply = server.http("POST", "/anthropic/v1/messages", params("one two", stream=True))
    assert reply.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in reply.body.decode().strip().split("\n\n")]
    for event, data in blocks:
        assert event == "event: " + json.loads(data.removeprefix("data: "))["type"]
    assert blocks[1][0] == "event: ping"


def test_tokens_are_counted(asking: anthropic.Anthropic) -> None:
    count = asking.messages.count_tokens(
        model=MODEL, system="a b", messages=[{"role": "user", "content": [{"type": "text", "text": "c d e"}]}]
    )
    assert count.input_tokens == 5


def test_models(asking: anthropic.Anthropic) -> None:
    asking.messages.create(**params("x"))
    found = list(asking.models.list(limit=1))
    assert MODEL in [model.id for model in found]
    one = asking.models.retrieve(MODEL)
    assert (one.id, one.type) == (MODEL, "model")
    assert asking.models.retrieve("org/some-model").id == "org/some-model"


class Person(BaseModel):
    name: str
    age: int


def test_structured_output(asking: anthropic.Anthropic) -> None:
    schema = {**Person.model_json_schema(), "additionalProperties": False}
    wanted: Any = {"format": {"type": "json_schema", "schema": schema}}
    made = asking.messages.create(**params("Ada, 36"), output_config=wanted)
    assert Person.model_validate_json(text_of(made))
    if hasattr(asking.messages, "parse"):
        parsed = asking.messages.parse(**params("Ada, 36"), output_format=Person)
        assert isinstance(parsed.parsed_output, Person)


def test_a_tool_and_its_result(through: anthropic.Anthropic, upstream: RecordingServer) -> None:
    upstream.next(calling())
    first = through.messages.create(**params("weather in Bern?", tools=[WEATHER]))
    assert first.stop_reason == "tool_use"
    [text, use] = first.content
    assert (text.type, use.type) == ("text", "tool_use")
    assert isinstance(use, anthropic.types.ToolUseBlock)
    assert (use.name, use.input) == ("get_weather", {"place": "Bern"})
    assert (first.usage.input_tokens, first.usage.cache_read_input_tokens) == (4, 16)

    result = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}
    talk: Any = [
        {"role": "user", "content": "weather in Bern?"},
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    second = through.messages.create(**{**params("", tools=[WEATHER]), "messages": talk})
    assert text_of(second) == "sunny", "the stand-in echoes the last message"
    sent = upstream.chats[-1].json["messages"]
    assert sent[1]["tool_calls"][0]["id"] == sent[2]["tool_call_id"] == use.id
    assert sent[1]["content"] == "Let me look."
    assert upstream.chats[0].json["tools"][0]["function"]["parameters"] == WEATHER["input_schema"]


def test_a_streamed_tool_call(through: anthropic.Anthropic, upstream: RecordingServer) -> None:
    call = {"index": 0, "id": "call_1", "function": {"name": "get_weather", "arguments": '{"place"'}}
    more = {"index": 0, "function": {"arguments": ': "Bern"}'}}
    deltas = [{"content": "Let me look."}, {"tool_calls": [call]}, {"tool_calls": [more]}, {}]
    chunks = [
        {
            "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None if delta else "tool_calls"}],
        }
        for delta in deltas
    ]
    upstream.next(
        Answer(200, b"".join(b"data: %b\n\n" % json.dumps(x).encode() for x in chunks) + b"data: [DONE]\n\n")
    )
    with through.messages.stream(**params("weather in Bern?", tools=[WEATHER])) as stream:
        made = stream.get_final_message()
    assert made.stop_reason == "tool_use"
    assert [block.type for block in made.content] == ["text", "tool_use"]
    assert made.content[1].input == {"place": "Bern"}  # type: ignore[union-attr]


def test_the_tool_runner(through: anthropic.Anthropic, upstream: RecordingServer) -> None:
    """The SDK's own loop. The newest one asks for a thread on the server first, and goes on without."""
    if not hasattr(anthropic, "beta_tool"):
        pytest.skip("this SDK has no tool runner")

    @anthropic.beta_tool
    def get_weather(place: str) -> str:
        """The weather of a place.

        Args:
            place: the place
        """
        return f"sunny in {place}"

    upstream.next(calling())
    runner = through.beta.messages.tool_runner(**params("weather in Bern?"), tools=[get_weather])
    assert text_of(runner.until_done()) == "sunny in Bern"
    assert len(upstream.chats) == 2


def test_tools_in_a_batch(through: anthropic.Anthropic, upstream: RecordingServer) -> None:
    upstream.next(calling())
    asked = params("weather in Bern?", tools=[WEATHER], tool_choice={"type": "tool", "name": "get_weather"})
    batch = ended(through, through.messages.batches.create(requests=[{"custom_id": "a", "params": asked}]))
    [result] = through.messages.batches.results(batch.id)
    made: Any = result.result
    assert (made.type, made.message.stop_reason, made.message.content[1].name) == (
        "succeeded",
        "tool_use",
        "get_weather",
    )
    choice = upstream.chats[-1].json["tool_choice"]
    assert choice == {"type": "function", "function": {"name": "get_weather"}}


def test_a_picture_reaches_the_engine(through: anthropic.Anthropic, upstream: RecordingServer) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "what is it?"}]
    through.messages.create(**{**params(""), "messages": [{"role": "user", "content": content}]})
    [image, text] = upstream.chats[-1].json["messages"][0]["content"]
    assert image == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    assert text["text"] == "what is it?"


def test_a_stop_sequence_is_named(through: anthropic.Anthropic, upstream: RecordingServer) -> None:
    choice = {"index": 0, "message": {"content": "one"}, "finish_reason": "stop", "stop_reason": "END"}
    upstream.next(Answer(200, {"id": "c", "model": "m", "choices": [choice]}))
    made = through.messages.create(**params("count", stop_sequences=["END"]))
    assert (made.stop_reason, made.stop_sequence) == ("stop_sequence", "END")


def test_trouble_has_anthropics_names(through: anthropic.Anthropic, upstream: RecordingServer) -> None:
    upstream.next(Answer(429, headers={"Retry-After": "7"}))
    with pytest.raises(anthropic.RateLimitError) as busy:
        through.messages.create(**params("x"))
    assert busy.value.response.headers["retry-after"] == "7"
    upstream.next(Answer(400, {"error": {"message": "no such thing"}}))
    with pytest.raises(anthropic.BadRequestError, match="no such thing"):
        through.messages.create(**params("x"))
    upstream.next(Answer(500))
    with (
        pytest.raises(anthropic.APIStatusError) as broken,
        through.messages.stream(**params("x")) as stream,
    ):
        stream.get_final_message()
    assert broken.value.status_code == 529


def test_what_cannot_be_served_is_refused(asking: anthropic.Anthropic) -> None:
    for more, words in (
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "web search"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "("}]}, "prefill"),
        ({"max_tokens": 0}, "max_tokens"),
    ):
        with pytest.raises(anthropic.BadRequestError, match=words):
            asking.messages.create(**{**params("x"), **more})


async def test_the_async_client(server: Server) -> None:
    async with anthropic.AsyncAnthropic(base_url=f"{server.url}/anthropic", api_key="any") as asking:
        assert text_of(await asking.messages.create(**params("hi"))) == "hi"
        async with asking.messages.stream(**params("one two")) as stream:
            assert text_of(await stream.get_final_message()) == "one two"
