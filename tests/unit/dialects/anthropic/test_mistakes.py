"""What is wrong in a request is said at its place, with what to write instead."""

from typing import Any

import pytest

from .calls import PNG, asking, check, line_of, only, violations

USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "42"}
TOOL = {"name": "f", "input_schema": {"type": "object"}}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def image(data: str, media_type: str = "image/png") -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    # members of a request: what is wrong, where, and a piece of the words
    (asking(max_tokens="64"), "max_tokens", "whole number"),
    (asking(max_tokens=True), "max_tokens", "whole number"),
    (asking(model=""), "model", "empty"),
    (asking(temperature=1.5), "temperature", "0 to 1"),
    (asking(top_p=-0.1), "top_p", "0 to 1"),
    (asking(top_k=-1), "top_k", "whole number"),
    (asking(stop_sequences="x"), "stop_sequences", "list"),
    (asking(stop_sequences=["  "]), "stop_sequences[0]", "white space"),
    (asking(stream=True), "stream", "whole messages"),
    (asking(max_completion_tokens=5), "max_completion_tokens", 'Write "max_tokens"'),
    (asking(seed=5), "seed", "no such setting"),
    (asking(temprature=0), "temprature", "temperature"),
    (asking(response_format={}), "response_format", "output_config"),
    (asking(service_tier="flex"), "service_tier", '"auto" or "standard_only"'),
    (asking(metadata={"user": "x"}), "metadata.user", "user_id"),
    (asking(thinking={"type": "enabled"}), "thinking.budget_tokens", "missing"),
    (asking(thinking={"type": "enabled", "budget_tokens": 5}), "thinking.budget_tokens", "1024"),
    (
        asking(thinking={"type": "enabled", "budget_tokens": 2000}),
        "thinking.budget_tokens",
        "max_tokens (64)",
    ),
    (asking(thinking={"type": "on"}), "thinking.type", "enabled"),
    (asking(output_config={"effort": "extreme"}), "output_config.effort", '"low"'),
    (asking(output_config={"format": {"type": "json"}}), "output_config.format.type", "json_schema"),
    (asking(system=7), "system", "string or a list"),
    (asking(system=[image(PNG)]), "system[0].type", "text"),
    # messages
    (asking({"role": "model", "content": "x"}), "messages[0].role", '"user"'),
    (asking({"role": "tool", "content": "x"}), "messages[0].role", "tool_result"),
    (asking({"role": "user"}), "messages[0].content", "missing"),
    (asking({"role": "user", "content": ""}), "messages[0].content", "empty"),
    (asking({"role": "user", "content": []}), "messages[0].content", "empty"),
    (asking({"role": "user", "content": "x", "name": "y"}), "messages[0].name", "no field"),
    (asking(user(text(""))), "messages[0].content[0].text", "empty string"),
    (asking(user({"type": "txt", "text": "x"})), "messages[0].content[0].type", "text"),
    (asking(user({"text": "x"})), "messages[0].content[0].type", "missing"),
    (asking(user("x")), "messages[0].content[0]", "content block"),
    (asking(user(USE)), "messages[0].content[0].type", "user message"),
    (asking("x", assistant(image(PNG))), "messages[1].content[0].type", "assistant message"),
    (asking(user(image("%%%%"))), "messages[0].content[0].source.data", "base64"),
    (asking(user(image(PNG, "image/bmp"))), "messages[0].content[0].source.media_type", "image/png"),
    # tools
    (asking(tools=[{"name": "f"}]), "tools[0].input_schema", "missing"),
    (asking(tools=[{**TOOL, "name": "a b"}]), "tools[0].name", "fits"),
    (asking(tools=[TOOL, TOOL]), "tools[1].name", "earlier tool"),
    (asking(tool_choice={"type": "any"}), "tool_choice", "no tools"),
    (asking(tools=[TOOL], tool_choice={"type": "tool", "name": "g"}), "tool_choice.name", '"g"'),
    (asking(tools=[TOOL], tool_choice={"type": "required"}), "tool_choice.type", "auto"),
    (asking(tools=[TOOL], tool_choice="auto"), "tool_choice", "tool choice"),
    (asking("q", assistant(USE), user(text("no"))), "messages[2]", '"t1"'),
    (asking("q", assistant(USE)), "messages[1]", "no message with its result"),
    (asking(user(RESULT)), "messages[0].content[0].tool_use_id", "no tool_use"),
    (asking("q", assistant(USE), user(RESULT, RESULT)), "messages[2].content[1].tool_use_id", "already"),
]


@pytest.mark.parametrize(("params", "path", "words"), WRONG, ids=[path for _, path, _ in WRONG])
def test_a_mistake_is_named_at_its_place(params: dict[str, Any], path: str, words: str) -> None:
    wrong = only(violations(params))
    assert wrong.path == f"requests[4].params.{path}"
    assert words in wrong.sentence()
    assert wrong.key == "k"


def test_mistakes_of_different_members_are_all_named() -> None:
    wrong = asking("q", assistant(USE), max_tokens=0, temperature=7, tool_choice={"type": "any"}, tools=[])
    paths = [violation.path.removeprefix("requests[4].params.") for violation in violations(wrong)]
    assert sorted(paths) == ["max_tokens", "messages[1]", "temperature", "tool_choice"]


def test_an_openai_tool_is_shown_the_right_form() -> None:
    found = violations(asking(tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}]))
    assert any('{"name": "...", "description"' in violation.instead for violation in found)


@pytest.mark.parametrize("params", [None, [], "x", 7])
def test_params_are_an_object(params: Any) -> None:
    assert only(violations(params)).path == "requests[4].params"


GOOD: list[dict[str, Any]] = [
    asking(),
    asking(user(text("a"), image(PNG)), cache_control={"type": "ephemeral"}),
    asking("q", assistant(USE), user(RESULT)),
    asking("q", assistant(USE), assistant(text("so")), user(RESULT), user(text("go on"))),
    asking(
        "q", assistant(text("a"), USE, {**USE, "id": "t2"}), user({**RESULT, "tool_use_id": "t2"}, RESULT)
    ),
    asking("q", {"role": "system", "content": "be brief"}, assistant(text("a")), "r"),
    asking("q", {"role": "assistant", "content": ""}),
    asking(metadata={"user_id": None}, service_tier="standard_only", stop_sequences=["END"], top_k=5),
    asking(system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]),
    asking(tools=[{**TOOL, "type": "custom", "strict": True}], tool_choice={"type": "none"}),
    asking(tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 5}]),
    asking(thinking={"type": "adaptive", "display": "omitted"}, speed=None, container=None),
    asking(thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000),
]


@pytest.mark.parametrize("params", GOOD)
def test_what_the_api_documents_is_good(params: dict[str, Any]) -> None:
    assert violations(params) == ()


def test_thoughts_sent_back_are_taken_with_a_warning() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    found = check(line_of(asking("q", assistant(thinking, text("a")), "r")))
    assert not found.violations
    assert "not shown to the model" in found.warnings[0]
