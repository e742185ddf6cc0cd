"""No body that a line may hold, and nothing that an engine may send, brings the dialect down."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backburner.core.exchange import Answer, Call, Delta
from backburner.core.request import OutcomeKind, Usage
from backburner.dialects.openai import chat, completions, embeddings, responses
from backburner.dialects.openai.dialect import OpenAIDialect
from backburner.dialects.openai.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES
from backburner.dialects.openai.response_events import ResponseEvents
from backburner.dialects.openai.streams import ChatChunks, TextChunks
from backburner.dialects.protocol import Refusal

from .asking import MODEL, STAMP, body_of, line_of, result, to_call

PARAMETERS: dict[str, Any] = {
    CHAT: chat.PARAMETERS,
    COMPLETIONS: completions.PARAMETERS,
    EMBEDDINGS: embeddings.PARAMETERS,
    RESPONSES: responses.PARAMETERS,
}
WORDS = (
    "type role content text name id function tool_calls image_url url file file_id input_image input_text user tool "
    "assistant function_call call_id arguments output message choices index delta finish_reason logprobs data "
    "embedding usage google thinking_config thinking_budget format json_schema schema effort"
).split()
words = st.sampled_from(WORDS)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
    | st.text()
)
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)


@pytest.mark.parametrize("endpoint", list(PARAMETERS))
@settings(max_examples=300)
@given(data=st.data())
def test_any_body_is_a_call_or_a_refusal(endpoint: str, data: st.DataObject) -> None:
    names = st.sampled_from(sorted(PARAMETERS[endpoint]))
    body = {**body_of(endpoint), **data.draw(st.dictionaries(names, anything, max_size=3)), "model": MODEL}
    found = to_call(body, endpoint)
    if isinstance(found, Refusal):
        assert found.message
    else:
        assert isinstance(found, Call)
        json.dumps(found.body)


@pytest.mark.parametrize("endpoint", list(PARAMETERS))
@settings(max_examples=300)
@given(data=st.data())
def test_any_answer_is_an_outcome(endpoint: str, data: st.DataObject) -> None:
    shaped = st.fixed_dictionaries({"choices": st.lists(st.dictionaries(words, anything), max_size=2)})
    body = data.draw(shaped | st.dictionaries(words, anything, max_size=4))
    answer = Answer(body=body, usage=Usage(1, 0, 1), engine="e", model="m")
    found = OpenAIDialect().answered(line_of(body_of(endpoint), endpoint), answer, STAMP)
    line = result(found)
    assert (found.kind is OutcomeKind.ANSWER) == (line["response"]["status_code"] == 200)


@pytest.mark.parametrize("shape", [ChatChunks, TextChunks, ResponseEvents])
@given(data=st.data())
def test_any_delta_can_be_streamed(shape: Any, data: st.DataObject) -> None:
    made = shape(body_of(CHAT), STAMP, "")
    for _ in range(2):
        made.add(Delta(choices=data.draw(st.lists(anything | st.dictionaries(words, anything), max_size=2))))
    assert made.end().endswith(b"\n\n")


@given(st.dictionaries(st.integers().map("own_{}".format), anything, max_size=4))
def test_what_openai_does_not_know_goes_to_the_engine_as_it_came(own: dict[str, Any]) -> None:
    found = to_call(body_of(**own))
    assert isinstance(found, Call)
    assert {name: found.body[name] for name in own if own[name] is not None} == {
        name: value for name, value in own.items() if value is not None
    }
