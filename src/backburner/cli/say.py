"""How the command line speaks: where to, how numbers and durations look, how a refusal reads.

Results go to stdout, words about them to stderr, so that a pipe carries results only. Without a terminal
everything is plain lines.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console

from backburner.core.errors import Refused, Violation

results = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


def refusal(error: Refused) -> Iterator[str]:
    """What was refused and why, every violation on a line of its own."""
    yield error.message
    for violation in error.violations:
        sentence = placed(violation)
        if sentence not in error.message:
            yield f"  {sentence}"


def placed(violation: Violation) -> str:
    """`line 7 (key "a"): contents[0].parts: ...`"""
    where = f"line {violation.line}" if violation.line is not None else ""
    if violation.key is not None:
        where += f' (key "{violation.key}")' if where else f'key "{violation.key}"'
    return f"{where}: {violation.sentence()}" if where else violation.sentence()


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, to: Console = results) -> None:
    """Aligned columns. Never cut to the width of a terminal: who pipes them wants them whole."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    for place, row in enumerate((header, *rows)):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        to.print(line, style="bold" if place == 0 else None)


def counted(count: int, what: str) -> str:
    """`1 line`, `2,000 lines`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def duration(duration_s: float) -> str:
    """`0.4 s`, `48 s`, `3 min 20 s`, `2 h 05 min`."""
    if duration_s < 10:
        return f"{duration_s:.1f} s"
    seconds = round(duration_s)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def left(likely_s: float, earliest_s: float, latest_s: float) -> str:
    """`about 8.3 s left (6.1 s to 24 s)`."""
    likely, earliest, latest = (duration(max(0.0, each_s)) for each_s in (likely_s, earliest_s, latest_s))
    return f"about {likely} left ({earliest} to {latest})"


def rate(per_second: float) -> str:
    return f"{per_second:,.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"


def size(size_bytes: int) -> str:
    """In decimal units, as downloads and disks are sold."""
    amount, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
