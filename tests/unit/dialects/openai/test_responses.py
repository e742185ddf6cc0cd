"""Responses: items become messages, settings become chat's; the answer comes back as output items."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.core.exchange import Feature
from backburner.dialects.openai.endpoints import RESPONSES

from .asking import STAMP, answered, body_of, called, completion, refused

CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'}
TOOL = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}


def messages(input_: Any, **more: Any) -> Any:
    return called(body_of(RESPONSES, input=input_, **more), RESPONSES).body["messages"]


def test_a_text_with_instructions() -> None:
    assert messages("hi", instructions="be brief") == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hi"},
    ]


def test_a_conversation_with_calls_of_functions() -> None:
    items = [
        {"role": "developer", "content": "rules"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "calling"}]},
        CALL,
        {**CALL, "call_id": "c2"},
        {"type": "function_call_output", "call_id": "c1", "output": "42"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "43"}]},
    ]
    function = {"name": "f", "arguments": '{"a":1}'}
    assert messages(items) == [
        {"role": "system", "content": "rules"},
        {"role": "user", "content": "a"},
        {
            "role": "assistant",
            "content": "calling",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": function},
                {"id": "c2", "type": "function", "function": function},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "tool", "tool_call_id": "c2", "content": "43"},
    ]


def test_an_image() -> None:
    parts = [
        {"type": "input_text", "text": "what"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
    ]
    found = called(body_of(RESPONSES, input=[{"role": "user", "content": parts}]), RESPONSES)
    assert Feature.IMAGES in found.needs
    assert found.body["messages"][0]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,AA", "detail": "low"},
    }


def test_settings_are_chats_under_other_names() -> None:
    found = called(
        body_of(
            RESPONSES,
            max_output_tokens=9,
            temperature=0.2,
            reasoning={"effort": "high"},
            text={
                "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
            },
            tools=[TOOL, {"type": "web_search"}],
            tool_choice={"type": "function", "name": "f"},
            parallel_tool_calls=False,
            include=["message.output_text.logprobs"],
            top_logprobs=2,
            metadata={"a": "b"},
            store=True,
            seed=3,
        ),
        RESPONSES,
    )
    function = {name: TOOL[name] for name in ("name", "description", "parameters", "strict")}
    assert found.body == {
        "messages": [{"role": "user", "content": "hi"}],
        "max_completion_tokens": 9,
        "temperature": 0.2,
        "seed": 3,
        "reasoning_effort": "high",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
        },
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": False,
        "web_search_options": {},
        "logprobs": True,
        "top_logprobs": 2,
    }
    assert found.needs == {
        Feature.CHAT,
        Feature.SEED,
        Feature.THINKING,
        Feature.JSON_SCHEMA,
        Feature.TOOLS,
        Feature.WEB_SEARCH,
        Feature.LOGPROBS,
        Feature.TOP_LOGPROBS,
    }


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"background": True}, "background: responses are not kept here"),
        ({"previous_response_id": "resp_1"}, "Send the earlier items in input"),
        ({"conversation": "conv_1"}, "conversations are not kept here"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "send the item itself"),
        ({"input": [{"role": "model", "content": "x"}]}, "input[0].role: expected one of user"),
        ({"input": [{"role": "user", "content": [{"type": "text_in"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "as a data: URL"),
        ({"input": []}, "input: expected a string or a list of items"),
        ({"tools": [{"type": "code_interpreter"}]}, 'tools[0]: expected a function, found the string "code'),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema: is required"),
        ({"max_output_tokens": "9"}, "max_output_tokens: expected a whole number"),
    ],
)
def test_what_is_not_done_is_refused(more: dict[str, Any], said: str) -> None:
    assert said in refused(body_of(RESPONSES, **more), RESPONSES)


def test_the_answer_is_a_whole_response() -> None:
    found = answered(completion("hello"), body_of(RESPONSES, temperature=0.1), RESPONSES)
    assert (found["object"], found["status"], found["error"]) == ("response", "completed", None)
    assert found["created_at"] == 1_700_000_000
    assert found["temperature"] == 0.1
    [item] = found["output"]
    part = {"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}
    assert item == {
        "id": f"msg_{STAMP.job}{STAMP.ordinal}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }
    assert found["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 13,
    }


def test_thoughts_and_calls_are_items_of_their_own() -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]
    body = completion(None, "tool_calls", reasoning_content="hm", tool_calls=calls)
    body["usage"] = {"completion_tokens_details": {"reasoning_tokens": 2}}
    found = answered(body, endpoint=RESPONSES)
    assert [item["type"] for item in found["output"]] == ["reasoning", "function_call"]
    assert found["output"][1]["call_id"] == "c1"
    assert found["output"][1]["arguments"] == '{"a": 1}'
    assert found["usage"]["output_tokens_details"] == {"reasoning_tokens": 2}


@pytest.mark.parametrize(
    ("reason", "said"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_a_cut_answer_says_why(reason: str, said: str) -> None:
    found = answered(completion("hel", reason), endpoint=RESPONSES)
    assert found["status"] == "incomplete"
    assert found["incomplete_details"] == {"reason": said}


def test_an_empty_answer_still_has_a_message_and_a_refusal_is_one() -> None:
    assert answered(completion(""), endpoint=RESPONSES)["output"][0]["content"][0]["text"] == ""
    refusal = answered(completion(None, refusal="no"), endpoint=RESPONSES)["output"][0]["content"]
    assert refusal == [{"type": "refusal", "refusal": "no"}]
    assert answered({"choices": []}, endpoint=RESPONSES) is None


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), st.text()), min_size=1))
def test_messages_keep_their_order_and_their_words(turns: list[tuple[str, str]]) -> None:
    found = messages([{"role": role, "content": text} for role, text in turns])
    assert [(message["role"], message["content"]) for message in found] == turns


@given(st.text())
def test_what_was_answered_can_be_sent_back(text: str) -> None:
    """The output items of one call are input items of the next."""
    items = answered(completion(text), endpoint=RESPONSES)["output"]
    assert messages([*items, {"role": "user", "content": "go on"}]) == [
        {"role": "assistant", "content": text},
        {"role": "user", "content": "go on"},
    ]
