"""Contents as chat messages: roles, media, tool calls and their answers."""

from typing import Any

import pytest

from backburner.core.exchange import Feature, MediaRef

from .calls import call, user


def messages(*contents: Any, **more: Any) -> list[dict[str, Any]]:
    return call({"contents": list(contents), **more}).body["messages"]


def said(role: str, *parts: Any) -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


def test_turns_keep_their_order_and_roles() -> None:
    assert messages(
        said("user", {"text": "a"}),
        said("model", {"text": "b"}),
        {"parts": [{"text": "c"}]},
        systemInstruction={"role": "user", "parts": [{"text": "s"}, {"text": "t"}]},
    ) == [
        {"role": "system", "content": "s\nt"},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]


def test_several_parts_stay_apart() -> None:
    [message] = messages(said("user", {"text": "a"}, {"text": "b"}))
    assert message["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


def test_earlier_thoughts_are_not_shown_to_the_model() -> None:
    assert messages(
        said("user", {"text": "a"}),
        said("model", {"text": "hm", "thought": True}, {"text": "b", "thoughtSignature": "AAAA"}),
        said("model", {"text": "only thinking", "thought": True}),
        said("user", {"text": "c"}),
    )[1:2] == [{"role": "assistant", "content": "b"}]


def test_code_that_ran_elsewhere_is_shown_as_text() -> None:
    ran = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}
    [message] = messages(said("model", {"executableCode": {"language": "PYTHON", "code": "1+1"}}, ran))
    assert [part["text"] for part in message["content"]] == ["```python\n1+1\n```", "```\n2\n```"]


CALL = {"functionCall": {"name": "f", "args": {"a_b": 1}}}


def reply(name: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": value, **more}}


def test_calls_without_ids_are_matched_by_name_in_order() -> None:
    found = messages(
        said("user", {"text": "go"}),
        said("model", {"text": "calling"}, CALL, {"functionCall": {"name": "g"}}, CALL),
        said("user", reply("f", {"r": 1}), reply("f", {"r": 2}), reply("g", {"r": 3}), {"text": "so?"}),
    )
    assistant, *rest = found[1:]
    ids = [made["id"] for made in assistant["tool_calls"]]
    assert len(set(ids)) == 3
    assert assistant["content"] == "calling"
    assert [made["function"] for made in assistant["tool_calls"]] == [
        {"name": "f", "arguments": '{"a_b":1}'},
        {"name": "g", "arguments": "{}"},
        {"name": "f", "arguments": '{"a_b":1}'},
    ]
    assert rest == [
        {"role": "tool", "tool_call_id": ids[0], "content": '{"r":1}'},
        {"role": "tool", "tool_call_id": ids[2], "content": '{"r":2}'},
        {"role": "tool", "tool_call_id": ids[1], "content": '{"r":3}'},
        {"role": "user", "content": "so?"},
    ]


def test_calls_with_ids_are_matched_by_them() -> None:
    made = {"functionCall": {"name": "f", "id": "x1"}}, {"functionCall": {"name": "f", "id": "x2"}}
    found = messages(
        said("user", {"text": "go"}),
        said("model", *made),
        said("function", reply("f", {}, id="x2"), reply("f", {})),
    )
    assert [message["tool_call_id"] for message in found[2:]] == ["x2", "x1"]


PNG = {"inlineData": {"mimeType": "image/png", "data": "-_8="}}


@pytest.mark.parametrize(
    ("part", "piece", "feature"),
    [
        (PNG, {"type": "image_url", "image_url": {"url": "data:image/png;base64,+/8="}}, Feature.IMAGES),
        (
            {"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            Feature.AUDIO,
        ),
        (
            {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}},
            {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
            Feature.VIDEO,
        ),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "AAAA", "displayName": "a.pdf"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
            Feature.DOCUMENTS,
        ),
        (
            {"inlineData": {"mimeType": "text/csv; charset=utf-8", "data": "YSxi"}},
            {"type": "text", "text": "a,b"},
            None,
        ),
    ],
)
def test_inline_media_go_in_as_they_are(part: Any, piece: Any, feature: Feature | None) -> None:
    found = call(user({"text": "look"}, part))
    assert found.body["messages"][0]["content"] == [{"type": "text", "text": "look"}, piece]
    assert found.needs == {Feature.CHAT} | ({feature} if feature else set())
    assert found.media == ()


def test_files_of_ours_go_in_as_placeholders() -> None:
    image = {"fileData": {"fileUri": "http://h/v1beta/files/abc", "mimeType": "image/png"}}
    sound = {"fileData": {"fileUri": "files/def", "mimeType": "audio/wav"}}
    found = call(user(image, sound, image))
    first, second, third = found.body["messages"][0]["content"]
    assert [ref.file_id for ref in found.media] == ["abc", "def", "abc"]
    assert found.media[0] == MediaRef("abc", "image/png", first["image_url"]["url"])
    assert found.media[1].placeholder == second["input_audio"]["data"]
    assert found.media[2].placeholder == third["image_url"]["url"]
    assert found.needs == {Feature.CHAT, Feature.IMAGES, Feature.AUDIO}


def test_media_that_a_function_returned_follow_it() -> None:
    found = call(
        {
            "contents": [
                said("user", {"text": "go"}),
                said("model", {"functionCall": {"name": "f"}}),
                said("user", reply("f", {"ok": True}, parts=[PNG])),
            ]
        }
    )
    assert [message["role"] for message in found.body["messages"]] == ["user", "assistant", "tool", "user"]
    assert found.body["messages"][3]["content"][0]["type"] == "image_url"
    assert Feature.IMAGES in found.needs
