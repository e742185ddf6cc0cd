"""The Anthropic door with the embedded model behind it: real answers, a real tool call, real JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

from tests.e2e.anthropic_batches import client, counts, ended, params, text_of
from tests.e2e.server import Server

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

GREEDY: Any = {"extra_body": {"temperature": 0}}  # the newest SDK has no parameter for it
CAPITALS = {"France": "Paris", "Japan": "Tokyo", "Italy": "Rome"}


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Iterator[anthropic.Anthropic]:
    server = Server(tmp_path_factory.mktemp("real"), engine=None)
    server.start()
    yield client(server)
    server.kill()


def about(country: str) -> Any:
    system = [
        {"type": "text", "text": "Answer in one short sentence.", "cache_control": {"type": "ephemeral"}}
    ]
    return params(f"What is the capital of {country}?", system=system, max_tokens=30)


def test_a_batch_of_the_documented_kind(asking: anthropic.Anthropic) -> None:
    """The model's name is the documentation's own: the config maps it."""
    greedy = {country: {**about(country), "temperature": 0} for country in CAPITALS}
    requests: Any = [{"custom_id": country, "params": asked} for country, asked in greedy.items()]
    batch = ended(asking, asking.messages.batches.create(requests=requests), timeout_s=120)
    assert counts(batch) == {"succeeded": 3}
    results = list(asking.messages.batches.results(batch.id))
    assert [result.custom_id for result in results] == list(CAPITALS)
    messages: list[Any] = [result.result.message for result in results]
    for message, capital in zip(messages, CAPITALS.values(), strict=True):
        assert capital in text_of(message)
        assert message.model == "SmolLM2-135M-Instruct", "says which model really answered"
        assert message.usage.input_tokens > 5


def test_a_stream_and_a_count(asking: anthropic.Anthropic) -> None:
    whole = asking.messages.create(**about("France"), **GREEDY)
    with asking.messages.stream(**about("France"), **GREEDY) as stream:
        pieces = list(stream.text_stream)
        made = stream.get_final_message()
    assert "".join(pieces) == text_of(made) == text_of(whole)
    assert len(pieces) > 1
    asked = about("France")
    count = asking.messages.count_tokens(**{name: asked[name] for name in ("model", "messages", "system")})
    used = whole.usage
    assert count.input_tokens == used.input_tokens + (used.cache_read_input_tokens or 0)


def test_a_tool_call(asking: anthropic.Anthropic) -> None:
    tool: Any = {
        "name": "get_weather",
        "description": "The weather of a city",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 30}},
            "required": ["city"],
        },
    }
    asked = params("What is the weather in Bern?", tools=[tool], tool_choice={"type": "any"})
    made = asking.messages.create(**asked, **GREEDY)
    assert made.stop_reason == "tool_use"
    [use] = [block for block in made.content if block.type == "tool_use"]
    assert (use.name, set(use.input)) == ("get_weather", {"city"})


class Person(BaseModel):
    name: str
    age: int


def test_structured_output(asking: anthropic.Anthropic) -> None:
    schema = {**Person.model_json_schema(), "additionalProperties": False}
    wanted: Any = {"format": {"type": "json_schema", "schema": schema}}
    made = asking.messages.create(**params("Ada is 36 years old."), output_config=wanted, **GREEDY)
    assert Person.model_validate_json(text_of(made))


def test_what_this_model_cannot_do_is_said(asking: anthropic.Anthropic) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    asked = params("x")
    asked["messages"] = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    with pytest.raises(anthropic.BadRequestError, match="image input"):
        asking.messages.create(**asked)
    thinking = params("x", max_tokens=2000, thinking={"type": "enabled", "budget_tokens": 1024})
    with pytest.raises(anthropic.BadRequestError, match="thinking"):
        asking.messages.create(**thinking)
