"""The body that creates a batch: durations of every kind, and every mistake named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.core.errors import InvalidArgument
from backburner.core.job import JobKind
from backburner.dialects.openai.create import create_body, window_of

GOOD = {"input_file_id": "file-abc", "endpoint": "/v1/chat/completions", "completion_window": "24h"}


def created(**more: Any) -> Any:
    return create_body(json.dumps({**GOOD, **more}).encode())


def refused(**more: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidArgument) as found:
        created(**more)
    return [(violation.path, violation.reason) for violation in found.value.violations]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("24h", 86400),
        ("30m", 1800),
        ("7d", 604800),
        ("1h30m", 5400),
        ("90s", 90),
        ("0.5h", 1800),
        ("2w", 1209600),
    ],
)
def test_a_window_is_any_duration_and_told_back_as_it_was_written(written: str, seconds: float) -> None:
    found = created(completion_window=written)
    assert found.window_s == seconds
    assert found.extras["completion_window"] == written


@pytest.mark.parametrize("written", ["", "24", "h", "24 h", "-1h", "0h", "1y", "24h!", "9999w", 24])
def test_what_is_no_duration_is_refused(written: Any) -> None:
    assert [path for path, _ in refused(completion_window=written)] == ["completion_window"]


@given(st.text(max_size=12))
def test_no_text_breaks_the_window(written: str) -> None:
    found = window_of(written)
    assert found is None or found > 0


def test_what_the_job_keeps() -> None:
    expiry = {"anchor": "created_at", "seconds": 3600}
    found = created(metadata={"name": "nightly"}, output_expires_after=expiry, priority=3)
    assert (found.file_id, found.kind, found.retention_s) == ("abc", JobKind.GENERATE, 3600.0)
    assert (found.display_name, found.priority) == ("nightly", 3)
    assert found.extras == {
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "input_file_id": "file-abc",
        "metadata": {"name": "nightly"},
        "output_expires_after": expiry,
    }


@pytest.mark.parametrize("name", ["file-abc", "files/abc", "abc"])
def test_an_input_file_under_any_of_its_names(name: str) -> None:
    assert created(input_file_id=name).file_id == "abc"


def test_embeddings_are_another_kind_of_job() -> None:
    assert created(endpoint="/v1beta/openai/embeddings").kind is JobKind.EMBED
    assert created(endpoint="/v1beta/openai/embeddings").extras["endpoint"] == "/v1/embeddings"


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"input_file_id": None}, "input_file_id"),
        ({"input_file_id": 5}, "input_file_id"),
        ({"endpoint": "/v1/images/generations"}, "endpoint"),
        ({"completion_window": None}, "completion_window"),
        ({"metadata": ["a"]}, "metadata"),
        ({"metadata": {"a": 5}}, "metadata.a"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a"),
        ({"metadata": {"x" * 65: "a"}}, f'metadata["{"x" * 40}…"]'),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        ({"output_expires_after": {"anchor": "now", "seconds": 3600}}, "output_expires_after.anchor"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 60}}, "output_expires_after.seconds"),
        ({"output_expires_after": {"anchor": "created_at"}}, "output_expires_after.seconds"),
        ({"completion_windw": "24h"}, "completion_windw"),
    ],
)
def test_every_mistake_has_its_place(more: dict[str, Any], path: str) -> None:
    assert [place for place, _ in refused(**more)] == [path]


def test_all_mistakes_are_named_at_once() -> None:
    assert len(refused(input_file_id=None, endpoint="x", completion_window="never")) == 3


@pytest.mark.parametrize("raw", [b"", b"[]", b"{'a': 1}", b"\xff"])
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidArgument, match="request body"):
        create_body(raw)
