"""Short words for rows of a ledger."""

from backburner.core.errors import Code, Violation
from backburner.core.request import CheckedLine, Outcome, OutcomeKind, Usage
from backburner.store.ledger import Ledger
from backburner.store.ledger_values import Progress

LINE_BYTES = 10


def line(ordinal: int, *, key: str | None = None, wrong: int = 0, length: int = LINE_BYTES) -> CheckedLine:
    return CheckedLine(
        ordinal,
        ordinal + 1,
        ordinal * (length + 1),
        length,
        key or f"k{ordinal}",
        b'"key":"%s"' % (key or f"k{ordinal}").encode(),
        b"",
        b"",
        tuple(Violation(f"path{n}", "is wrong", "mend it") for n in range(wrong)),
    )


def answer(ordinal: int, body: bytes | None = None) -> Outcome:
    return Outcome(
        ordinal=ordinal,
        kind=OutcomeKind.ANSWER,
        body=body if body is not None else b'"response":%d' % ordinal,
        finish_reason="STOP",
        usage=Usage(prompt=3, cached=1, output=2),
        engine="e",
        model="m",
        at=5.0,
    )


def error(ordinal: int) -> Outcome:
    return Outcome(ordinal=ordinal, kind=OutcomeKind.ERROR, body=b'"error":%d' % ordinal, code=Code.INTERNAL)


def scan(ledger: Ledger, count: int, *, done: bool = False, wrong: tuple[int, ...] = ()) -> None:
    """Scans `count` more lines; those whose ordinals are `wrong` get their error at once."""
    start = ledger.progress.next_ordinal
    lines = [line(n, wrong=int(n in wrong)) for n in range(start, start + count)]
    end = start + count
    after = Progress(
        end * (LINE_BYTES + 1), end + 1, end, ledger.progress.invalid_count + len(wrong), done=done
    )
    ledger.record_scan(lines, [error(n) for n in wrong], after)
