import pytest

from backburner.core import errors
from backburner.core.errors import InvalidArgument, Refused, Violation


def test_a_violation_says_where_what_and_what_to_write_instead() -> None:
    violation = Violation("a.b", "expected a number, found 'x'", "Write 1")
    assert violation.sentence() == "a.b: expected a number, found 'x'. Write 1"
    assert Violation("", "is empty").sentence() == "is empty"


def test_a_refusal_keeps_every_violation_and_a_reason_for_programs() -> None:
    found = [Violation("a", "x"), Violation("b", "y")]
    refused = InvalidArgument("two things are wrong", reason="TWO", violations=found)
    assert (refused.message, refused.reason, refused.violations) == (
        "two things are wrong",
        "TWO",
        tuple(found),
    )


def kinds() -> list[type[Refused]]:
    found = [Refused]
    for kind in found:
        found += kind.__subclasses__()
    return found


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_refusal_has_a_code_and_a_stable_reason(kind: type[Refused]) -> None:
    assert kind.code in errors.Code
    assert kind.reason == kind.reason.upper()
    assert kind("words").reason == kind.reason
