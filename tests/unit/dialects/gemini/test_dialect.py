"""The dialect as the loops use it: errors in place, codes of trouble, lines that cannot be read."""

import json

import pytest

from backburner.core.errors import Code
from backburner.core.exchange import Trouble, TroubleKind
from backburner.core.job import JobKind
from backburner.core.request import OutcomeKind, line_of
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.protocol import Dialect, Refusal, Setting

from .calls import STAMP

DIALECT: Dialect = GeminiDialect()
SETTING = Setting(kind=JobKind.GENERATE, model="m", cached=lambda name: None)


def test_a_failure_has_code_and_message_only() -> None:
    found = DIALECT.failed(Code.INVALID_ARGUMENT, 'no "such" thing', STAMP)
    assert (found.ordinal, found.kind, found.code) == (7, OutcomeKind.ERROR, Code.INVALID_ARGUMENT)
    assert json.loads(line_of(b'"key":"a"', found.body)) == {
        "key": "a",
        "error": {"code": 3, "message": 'no "such" thing'},
    }


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (TroubleKind.REQUEST, 400, Code.INVALID_ARGUMENT),
        (TroubleKind.BUSY, 429, Code.RESOURCE_EXHAUSTED),
        (TroubleKind.BUSY, 503, Code.UNAVAILABLE),
        (TroubleKind.TRANSIENT, 500, Code.UNAVAILABLE),
        (TroubleKind.TIMEOUT, 0, Code.DEADLINE_EXCEEDED),
        (TroubleKind.OPERATOR, 401, Code.FAILED_PRECONDITION),
        (TroubleKind.DIED, 0, Code.INTERNAL),
    ],
)
def test_trouble_has_a_code_for_the_caller(kind: TroubleKind, status: int, code: Code) -> None:
    assert DIALECT.trouble_code(Trouble(kind=kind, message="x", engine="e", status=status)) is code


def test_every_kind_of_trouble_has_a_code() -> None:
    for kind in TroubleKind:
        assert DIALECT.trouble_code(Trouble(kind=kind, message="x", engine="e")) is not Code.OK


def test_a_line_that_is_no_json_is_refused_and_not_raised() -> None:
    found = DIALECT.to_call(b"{", SETTING)
    assert isinstance(found, Refusal)
    assert found.code is Code.INVALID_ARGUMENT


def test_a_line_is_read_behind_a_byte_order_mark() -> None:
    line = b'\xef\xbb\xbf{"contents":[{"parts":[{"text":"hi"}]}]}'
    assert not isinstance(DIALECT.to_call(line, SETTING), Refusal)
