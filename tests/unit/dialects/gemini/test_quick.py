"""The quick way agrees with the whole way on every line it takes, and takes the lines it is meant for."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backburner.dialects.gemini.lines import LineCheck
from backburner.dialects.gemini.quick import QuickCheck

from .lines import FILE, HI

texts = st.text(max_size=8) | st.integers(200, 1100).map(lambda size: "word " * (size // 5))
parts = st.lists(st.fixed_dictionaries({"text": texts}), max_size=3)
contents = st.lists(
    st.fixed_dictionaries(
        {"parts": parts}, optional={"role": st.sampled_from(["user", "model", "function", "bot"])}
    ),
    max_size=3,
)
configs = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from([0, 0.0, 0.5, 3]),
        "seed": st.sampled_from([1, "2", "x"]),
        "topP": st.just(0.5),
        "top_p": st.just(0.5),
        "responseMimeType": st.sampled_from(["application/json", "text/plain"]),
        "responseSchema": st.just({"type": "STRING"}),
        "max_tokens": st.just(1),
    },
)
systems = st.none() | st.fixed_dictionaries({"parts": parts})
requests = st.fixed_dictionaries(
    {},
    optional={
        "contents": contents,
        "generationConfig": configs | st.none(),
        "generation_config": configs,
        "systemInstruction": systems,
        "system_instruction": systems,
        "model": st.sampled_from(["models/gemini-2.5-flash", "models/other", "gemini-2.5-flash"]),
        "safetySettings": st.just([]),
        "labels": st.just({}),
    },
)


class Whole(QuickCheck):
    """The quick way closed."""

    def check(self, raw: Any) -> None:
        return None


@settings(max_examples=500, deadline=None)
@given(st.lists(requests, min_size=1, max_size=4), st.booleans())
def test_both_ways_say_the_same(found: list[dict[str, Any]], wrapped: bool) -> None:
    quick, whole = LineCheck(FILE), LineCheck(FILE)
    whole._quick = Whole(FILE)
    for ordinal, request in enumerate(found):
        line = json.dumps({"key": "k", "request": request} if wrapped else request).encode()
        assert quick.check(line, ordinal, ordinal + 1, 0) == whole.check(line, ordinal, ordinal + 1, 0)


@pytest.mark.parametrize(
    "request_",
    [
        HI,
        {**HI, "generation_config": {"temperature": 0.7}},
        {
            **HI,
            "generationConfig": {
                "responseMimeType": "application/json",
                "responseSchema": {"type": "STRING"},
            },
        },
        {**HI, "systemInstruction": {"parts": [{"text": "be kind"}]}, "model": "models/gemini-2.5-flash"},
        {
            "contents": [
                {"role": "user", "parts": [{"text": "a"}]},
                {"role": "model", "parts": [{"text": "b"}]},
            ]
        },
    ],
)
def test_common_lines_go_the_quick_way(request_: dict[str, Any]) -> None:
    assert QuickCheck(FILE).check(json.dumps(request_).encode()) is not None


def test_what_is_remembered_is_bounded() -> None:
    check = QuickCheck(FILE)
    for number in range(3000):
        request = {
            **HI,
            "generationConfig": {"seed": number},
            "systemInstruction": {"parts": [{"text": str(number)}]},
        }
        assert check.check(json.dumps(request).encode()) is not None
    assert len(check._configs) <= 1024
    assert len(check._starts) <= 1024 + 1
