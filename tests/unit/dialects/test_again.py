"""What one request was answered is, under another's name, what that one would have been answered."""

import msgspec
import pytest

from backburner.core.exchange import Answer, Json
from backburner.core.request import Usage
from backburner.dialects.anthropic.dialect import AnthropicDialect
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.openai.dialect import OpenAIDialect
from backburner.dialects.protocol import Dialect, Stamp

WAS = Stamp("job1", 1, "a/\u00e9", 5.0)
NOW = Stamp("job1", 11, None, 5.0)
MESSAGES = [{"role": "user", "content": "hi"}]
CALL = {"id": "", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
CHAT: Json = {
    "choices": [
        {
            "message": {
                "content": 'the "id" is "msg_job11"',
                "reasoning_content": "hm",
                "tool_calls": [CALL],
            },
            "finish_reason": "stop",
        }
    ]
}
VECTOR: Json = {"data": [{"embedding": [0.1, 1e-9], "index": 0}]}


def openai_line(url: str, body: Json) -> bytes:
    line = {"custom_id": "a", "method": "POST", "url": url, "body": {"model": "m", **body}}
    return msgspec.json.encode(line)


@pytest.mark.parametrize(
    ("dialect", "line", "body"),
    [
        (GeminiDialect(), b'{"contents":[{"parts":[{"text":"hi"}]}]}', CHAT),
        (GeminiDialect(), b'{"content":{"parts":[{"text":"hi"}]}}', VECTOR),
        (AnthropicDialect(), msgspec.json.encode({"custom_id": "a", "params": {"messages": MESSAGES}}), CHAT),
        (OpenAIDialect(), openai_line("/v1/chat/completions", {"messages": MESSAGES}), CHAT),
        (OpenAIDialect(), openai_line("/v1/completions", {"prompt": "hi"}), CHAT),
        (OpenAIDialect(), openai_line("/v1/responses", {"input": "hi"}), CHAT),
        (OpenAIDialect(), openai_line("/v1/embeddings", {"input": "hi"}), VECTOR),
    ],
)
def test_an_answer_again_is_the_answer_with_the_ids_of_the_other(
    dialect: Dialect, line: bytes, body: Json
) -> None:
    answer = Answer(body=body, usage=Usage(3, 1, 2), engine="e", model="m")
    was, now = (dialect.answered(line, answer, stamp).body for stamp in (WAS, NOW))
    assert dialect.again(was, WAS, NOW) == now
    assert was != now or body is VECTOR


def test_an_id_that_the_engine_made_is_not_given_twice() -> None:
    line = openai_line("/v1/chat/completions", {"messages": MESSAGES})
    answer = Answer(body={**CHAT, "id": "chatcmpl-7"}, usage=Usage(), engine="e", model="m")
    dialect = OpenAIDialect()
    again = dialect.again(dialect.answered(line, answer, WAS).body, WAS, NOW)
    assert b'"id":"chatcmpl-job1-11"' in again
    assert b"chatcmpl-7" not in again
