import json

from backburner.cli.run_failures import failures
from backburner.core.errors import Code


def line(code: int | None, message: str = "") -> bytes:
    body = {"response": {"candidates": []}} if code is None else {"error": {"code": code, "message": message}}
    return json.dumps({"key": "k", **body}).encode() + b"\n"


def test_the_most_frequent_reasons_with_an_example_each() -> None:
    data = b"".join(
        [
            line(3, "line 1: too long"),
            line(None),
            line(14, "engine down"),
            line(3, "line 22: too long"),
            line(3, "line 333: too long"),
            line(14, "engine down"),
            line(13, "odd"),
            line(12, "other"),
        ]
    )
    chopped = [data[at : at + 7] for at in range(0, len(data), 7)]
    found = failures(chopped)
    assert [(one.code, one.message, one.count) for one in found[:2]] == [
        (Code.INVALID_ARGUMENT, "line 1: too long", 3),
        (Code.UNAVAILABLE, "engine down", 2),
    ]
    assert len(found) == 3


def test_no_failures() -> None:
    assert failures([line(None), line(None).rstrip()]) == ()


def test_ever_new_reasons_take_bounded_room() -> None:
    words = [f"{'a' * (n % 50)}{'b' * (n // 50)}" for n in range(1, 2400)]
    found = failures([b"".join(line(3, word) for word in words)], most=5000)
    assert len(found) <= 1001
    assert sum(one.count for one in found) == len(words)
