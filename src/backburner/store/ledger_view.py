"""What a person looks at in a ledger: requests beside their outcomes and attempts, tokens, durations of calls.

The loops of the service need none of it. Outcomes are kept in the order of commit and have no index by ordinal
(design, section 5), so a page by ordinal reads through all of them: a blink for a usual job, about a second for
two million requests.
"""

from collections.abc import Sequence

import msgspec

from backburner.core.errors import Code
from backburner.core.request import OutcomeKind, Usage
from backburner.store.ledger_reader import LedgerReader

USAGE_ROWS = 50_000


class RequestRow(msgspec.Struct, frozen=True):
    """Where a request is in the input blob, and what it is called."""

    ordinal: int
    line: int
    offset: int
    length: int
    key: str | None
    echo: bytes


class OutcomeRow(msgspec.Struct, frozen=True):
    """An outcome without its body; `body_bytes` is None once the body is in the result file. `reused_from` is the
    ordinal of the identical request whose answer it is."""

    seq: int
    ordinal: int
    kind: OutcomeKind
    code: Code
    finish_reason: str
    usage: Usage
    engine: str
    model: str
    at: float
    body_bytes: int | None
    reused_from: int | None


class AttemptRow(msgspec.Struct, frozen=True):
    """`ended_at` None: under way, or it ended with the service. `trouble` is empty for an answer. `usage` as the engine
    reported it. `reused_from`: no engine was asked, the answer is that of the identical request with this ordinal."""

    ordinal: int
    engine: str
    started_at: float
    ended_at: float | None
    trouble: str
    message: str
    model: str = ""
    usage: Usage = Usage()
    reused_from: int | None = None


_OUTCOME = (
    "SELECT seq, ordinal, kind, code, finish_reason, prompt_tokens, cached_tokens, output_tokens,"
    " engine, model, at, length(body), reused_from FROM outcome"
)


class LedgerView(LedgerReader):
    def usage_after(self, seq: int) -> tuple[int, Usage]:
        """Tokens that the next outcomes behind `seq` used, up to USAGE_ROWS of them, and the last seq counted."""
        end = min(self.last_seq(), seq + USAGE_ROWS)
        row = self._db.execute(
            "SELECT coalesce(sum(prompt_tokens), 0), coalesce(sum(cached_tokens), 0),"
            " coalesce(sum(output_tokens), 0) FROM outcome WHERE seq > ? AND seq <= ?"
            " AND reused_from IS NULL",
            (seq, end),
        ).fetchone()
        return end, Usage(*row)

    def calls(self, after: int, limit: int) -> list[tuple[int, float]]:
        """(bytes of the request, seconds) of up to about `limit` calls that brought an answer, evenly over the attempts
        behind `after`, in the order of their begin. Where there was none: of those that brought an error."""
        (last,) = self._db.execute("SELECT coalesce(max(id), 0) FROM attempt").fetchone()
        step = max(1, (last - after) // limit)
        rows = self._db.execute(
            "SELECT r.length, max(0, a.ended_at - a.started_at), a.trouble FROM attempt a JOIN request r"
            f" USING (ordinal) WHERE a.id IN ({_list(range(after + step, last + 1, step))})"
            " AND a.ended_at IS NOT NULL ORDER BY a.id"
        ).fetchall()
        answered = [row[:2] for row in rows if not row[2]]
        return answered or [row[:2] for row in rows]

    def lengths(self, ordinals: Sequence[int]) -> dict[int, int]:
        """Bytes of requests, by ordinal."""
        return dict(
            self._db.execute(f"SELECT ordinal, length FROM request WHERE ordinal IN ({_list(ordinals)})")
        )

    def keys(self, ordinals: Sequence[int]) -> dict[int, str | None]:
        return dict(
            self._db.execute(
                f"SELECT ordinal, key FROM request WHERE ordinal IN ({_list(ordinals)})"
            ).fetchall()
        )

    def requests_from(self, ordinal: int, limit: int) -> list[RequestRow]:
        """In input order."""
        rows = self._db.execute(
            'SELECT ordinal, line, "offset", length, key, echo FROM request WHERE ordinal >= ?'
            " ORDER BY ordinal LIMIT ?",
            (ordinal, limit),
        )
        return [RequestRow(*row) for row in rows]

    def requests(self, ordinals: Sequence[int]) -> dict[int, RequestRow]:
        rows = self._db.execute(
            'SELECT ordinal, line, "offset", length, key, echo FROM request'
            f" WHERE ordinal IN ({_list(ordinals)})"
        )
        return {row[0]: RequestRow(*row) for row in rows}

    def errors_after(self, seq: int, limit: int) -> list[OutcomeRow]:
        """Requests that failed, in the order of commit."""
        rows = self._db.execute(
            f"{_OUTCOME} WHERE seq > ? AND kind = ? ORDER BY seq LIMIT ?", (seq, OutcomeKind.ERROR, limit)
        )
        return [_outcome(row) for row in rows]

    def outcomes(self, seqs: Sequence[int]) -> list[OutcomeRow]:
        """In the order of commit."""
        rows = self._db.execute(f"{_OUTCOME} WHERE seq IN ({_list(seqs)}) ORDER BY seq")
        return [_outcome(row) for row in rows]

    def outcomes_between(self, first: int, last: int) -> dict[int, OutcomeRow]:
        """By ordinal, both ends among them. Reads through the outcomes."""
        rows = self._db.execute(f"{_OUTCOME} WHERE ordinal BETWEEN ? AND ?", (first, last))
        return {row[1]: _outcome(row) for row in rows}

    def attempts(self, ordinals: Sequence[int]) -> dict[int, list[AttemptRow]]:
        """By ordinal, in the order in which they began. Reads through the attempts."""
        found: dict[int, list[AttemptRow]] = {ordinal: [] for ordinal in ordinals}
        rows = self._db.execute(
            "SELECT ordinal, engine, started_at, ended_at, trouble, message, model,"
            " prompt_tokens, cached_tokens, output_tokens FROM attempt"
            f" WHERE ordinal IN ({_list(ordinals)}) ORDER BY id"
        )
        for row in rows:
            found[row[0]].append(AttemptRow(*row[:7], usage=Usage(*row[7:])))
        return found

    def invalid_count(self) -> int:
        """Lines that intake found wrong."""
        return self._db.execute("SELECT invalid_count FROM progress").fetchone()[0]


def _list(ordinals: Sequence[int]) -> str:
    return ",".join(str(int(ordinal)) for ordinal in ordinals)


def _outcome(
    row: tuple[int, int, str, int, str, int, int, int, str, str, float, int | None, int | None],
) -> OutcomeRow:
    seq, ordinal, kind, code, finish_reason, prompt, cached, output, engine, model, at, size, reused = row
    usage = Usage(prompt, cached, output)
    return OutcomeRow(
        seq, ordinal, OutcomeKind(kind), Code(code), finish_reason, usage, engine, model, at, size, reused
    )
