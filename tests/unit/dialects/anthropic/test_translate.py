"""A request as an engine call: only what it asks for, nothing lost, and refused by name what cannot be done."""

import json
from typing import Any

import pytest

from backburner.core.exchange import CallKind, Feature

from .calls import PNG, asking, call, refused

USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a_b": 1}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOL = {"name": "f", "description": "does f", "input_schema": SCHEMA}


def messages(*said: Any, **more: Any) -> list[dict[str, Any]]:
    return call(asking(*said, **more)).body["messages"]


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def answer(content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "t1", "content": content, **more}


def test_a_plain_request_asks_for_nothing_else() -> None:
    made = call(asking("hi"))
    assert made.kind is CallKind.CHAT
    assert made.model == "engine"
    assert made.body == {"messages": [{"role": "user", "content": "hi"}], "max_completion_tokens": 64}
    assert made.needs == {Feature.CHAT}


def test_settings_go_over_by_their_own_names() -> None:
    made = call(asking(temperature=0.5, top_p=0.9, top_k=7, stop_sequences=["X"], metadata={"user_id": "u"}))
    assert made.body == {
        "messages": [{"role": "user", "content": "hi"}],
        "max_completion_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 7,
        "stop": ["X"],
    }
    assert made.needs == {Feature.CHAT, Feature.TOP_K}


def test_the_system_prompt_stands_first() -> None:
    assert messages("hi", system="s")[0] == {"role": "system", "content": "s"}
    blocks = [{**text("s"), "cache_control": {"type": "ephemeral"}}, text("t")]
    assert messages("hi", system=blocks)[0] == {"role": "system", "content": "s\n\nt"}
    assert messages("hi", system="")[0]["role"] == "user"


def test_neighbours_of_one_role_are_one_turn() -> None:
    assert messages(
        "a", user(text("b")), assistant(text("c")), {"role": "assistant", "content": "d"}, "e"
    ) == [
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "assistant", "content": [text("c"), text("d")]},
        {"role": "user", "content": "e"},
    ]


def test_tool_calls_and_their_results() -> None:
    talk = messages("q", assistant(text("let me"), USE), user(answer("42"), text("go on")), tools=[TOOL])
    assert talk[1] == {
        "role": "assistant",
        "content": "let me",
        "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a_b":1}'}}],
    }
    assert talk[2:] == [
        {"role": "tool", "tool_call_id": "t1", "content": "42"},
        {"role": "user", "content": "go on"},
    ]


def test_a_failed_tool_is_said_to_have_failed() -> None:
    talk = messages("q", assistant(USE), user(answer([text("no"), text("way")], is_error=True)))
    assert talk[2] == {"role": "tool", "tool_call_id": "t1", "content": "Error: no\nway"}


def test_an_image_of_a_tool_follows_its_text() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    made = call(asking("q", assistant(USE), user(answer([text("see"), {"type": "image", "source": source}]))))
    tool, after = made.body["messages"][2:]
    assert tool["content"] == "see"
    url = f"data:image/png;base64,{PNG}"
    assert after == {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    assert Feature.IMAGES in made.needs


def test_documents() -> None:
    pdf = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
    }
    made = call(asking(user(pdf, text("sum up"))))
    [content] = [message["content"] for message in made.body["messages"]]
    assert content[0]["file"] == {
        "filename": "document.pdf",
        "file_data": "data:application/pdf;base64,JVBERg==",
    }
    assert Feature.DOCUMENTS in made.needs
    plain = {"type": "text", "media_type": "text/plain", "data": "body"}
    made = call(asking(user({"type": "document", "title": "T", "context": "C", "source": plain})))
    assert made.body["messages"][0]["content"] == [text("T"), text("C"), text("body")]
    blocks = {"type": "document", "source": {"type": "content", "content": [text("x")]}}
    assert messages(user(blocks))[0]["content"] == "x"
    found = {"type": "search_result", "source": "s", "title": "t", "content": [text("a"), text("b")]}
    assert messages(user(found))[0]["content"] == "t\ns\na\nb"


def test_tools_are_functions() -> None:
    made = call(asking(tools=[{**TOOL, "cache_control": {"type": "ephemeral"}, "strict": True}]))
    assert made.body["tools"] == [
        {
            "type": "function",
            "function": {"name": "f", "description": "does f", "strict": True, "parameters": SCHEMA},
        }
    ]
    assert "tool_choice" not in made.body
    assert Feature.TOOLS in made.needs


def test_examples_of_a_tool_are_not_lost() -> None:
    made = call(asking(tools=[{**TOOL, "input_examples": [{"a": "x"}]}]))
    assert made.body["tools"][0]["function"]["description"] == 'does f\n\nExamples of its input:\n{"a":"x"}'


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"type": "auto"}, {}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        ({"type": "tool", "name": "f"}, {"tool_choice": {"type": "function", "function": {"name": "f"}}}),
        ({"type": "auto", "disable_parallel_tool_use": True}, {"parallel_tool_calls": False}),
    ],
)
def test_tool_choice(choice: Any, said: Any) -> None:
    body = call(asking(tools=[TOOL], tool_choice=choice)).body
    assert {name: body[name] for name in ("tool_choice", "parallel_tool_calls") if name in body} == said


def test_structured_output() -> None:
    wanted = {"type": "json_schema", "schema": SCHEMA}
    for more in ({"output_config": {"format": wanted}}, {"output_format": wanted}):
        made = call(asking(**more))
        assert made.body["response_format"]["json_schema"]["schema"] == SCHEMA
        assert Feature.JSON_SCHEMA in made.needs


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (8192, "medium"), (20000, "high")])
def test_a_thinking_budget_needs_an_engine_that_thinks(budget: int, effort: str) -> None:
    made = call(asking(thinking={"type": "enabled", "budget_tokens": budget}, max_tokens=30000))
    assert made.body["reasoning_effort"] == effort
    assert Feature.THINKING in made.needs


@pytest.mark.parametrize("kind", ["disabled", "adaptive"])
def test_thinking_that_asks_for_nothing(kind: str) -> None:
    made = call(asking(thinking={"type": kind}, output_config={"effort": "high"}))
    assert "reasoning_effort" not in made.body
    assert made.needs == {Feature.CHAT}


def test_an_effort_below_the_usual_needs_an_engine_that_thinks() -> None:
    made = call(asking(output_config={"effort": "low"}))
    assert (made.body["reasoning_effort"], Feature.THINKING in made.needs) == ("low", True)


def test_earlier_thoughts_are_not_shown() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "x"}
    assert messages("a", assistant(thought, text("b")), "c")[1] == {"role": "assistant", "content": "b"}


IMAGE_URL = {"type": "image", "source": {"type": "url", "url": "https://example.com/x.png"}}
IMAGE_FILE = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
PDF_URL = {"type": "document", "source": {"type": "url", "url": "https://example.com/x.pdf"}}
CITED = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "x"},
    "citations": {"enabled": True},
}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (asking(user(IMAGE_URL)), "fetches nothing"),
        (asking(user(PDF_URL)), "fetches nothing"),
        (asking(user(IMAGE_FILE)), "no Files API"),
        (asking(user(CITED)), "citations"),
        (asking(user({"type": "container_upload", "file_id": "x"})), "container_upload"),
        (asking("q", assistant({"type": "server_tool_use", "id": "a"}), "r"), "server_tool_use"),
        (asking("q", {"role": "assistant", "content": "The answer is ("}), "prefill"),
        (asking({"role": "system", "content": "s"}), "nothing to answer"),
        (asking(tools=[{"type": "web_search_20250305", "name": "web_search"}]), "web search"),
        (asking(tools=[{"type": "bash_20250124", "name": "bash"}]), "bash"),
        (asking(tools=[{"type": "future_20300101", "name": "x"}]), "future_20300101"),
        (asking(tools=[{**TOOL, "defer_loading": True}]), "tool search"),
        (asking(tools=[{**TOOL, "allowed_callers": ["code_execution_20260120"]}]), "direct calls"),
        (asking(container="c"), "container"),
        (asking(mcp_servers=[{"type": "url"}]), "MCP"),
        (asking(context_management={"edits": [{}]}), "context_management"),
        (asking(speed="fast"), "fast mode"),
        (asking(inference_geo="us"), "inference_geo"),
        (asking(diagnostics={"previous_message_id": None}), "diagnostics"),
        (asking(thinking={"type": "between_tools"}), "between_tools"),
        (asking(output_config={"effort": "max"}), "'max'"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(params: Any, words: str) -> None:
    assert words in refused(params)


def test_data_urls_are_images_like_others() -> None:
    source = {"type": "url", "url": f"data:image/png;base64,{PNG}"}
    made = call(asking(user({"type": "image", "source": source})))
    assert json.dumps(made.body).count(PNG) == 1
