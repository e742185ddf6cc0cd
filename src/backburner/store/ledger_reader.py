"""The reading side of a ledger: committed state, for lanes that do not write."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from backburner.core.errors import Violation
from backburner.core.request import OutcomeKind
from backburner.store.sqlite import connect


class LedgerReader:
    """Committed state, for lanes that do not write. Short-lived: open, read a page, close."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, readonly=True)

    def close(self) -> None:
        self._db.close()

    def results_after(
        self, seq: int, limit: int, limit_bytes: int, kind: OutcomeKind | None = None
    ) -> list[tuple[int, int, bytes, bytes | None]]:
        """(seq, ordinal, echo, body) in the order of commit, of one kind or of all; body None once it moved to the
        result file."""
        found: list[tuple[int, int, bytes, bytes | None]] = []
        taken_bytes = 0
        rows = self._db.execute(
            "SELECT o.seq, o.ordinal, r.echo, o.body FROM outcome o JOIN request r USING (ordinal)"
            " WHERE o.seq > ? AND coalesce(o.kind = ?, TRUE) ORDER BY o.seq LIMIT ?",
            (seq, kind, limit),
        )
        for row in rows:
            found.append(row)
            taken_bytes += len(row[3] or b"")
            if taken_bytes > limit_bytes:
                break
        return found

    def seq_of(self, kind: OutcomeKind, number: int) -> int:
        """The seq of the outcome of a kind that is the `number`-th of it, from 1. Reads through those before."""
        return self._db.execute(
            "SELECT seq FROM outcome WHERE kind = ? ORDER BY seq LIMIT 1 OFFSET ?", (kind, number - 1)
        ).fetchone()[0]

    def last_seq(self) -> int:
        return self._db.execute("SELECT coalesce(max(seq), 0) FROM outcome").fetchone()[0]

    def request_count(self) -> int:
        return self._db.execute("SELECT next_ordinal FROM progress").fetchone()[0]

    def seqs(self, up_to: int) -> "memoryview[int]":
        """For each ordinal below `up_to` the seq of its outcome, 0 where it has none; 8 bytes each."""
        table = memoryview(bytearray(8 * up_to)).cast("q")
        # a scan or a commit may have gone on since `up_to` was read
        for seq, ordinal in self._db.execute("SELECT seq, ordinal FROM outcome WHERE ordinal < ?", (up_to,)):
            table[ordinal] = seq
        return table

    def echoes(self, from_ordinal: int, limit: int) -> list[tuple[int, str | None, bytes]]:
        """(ordinal, key, echo) in input order."""
        return self._db.execute(
            "SELECT ordinal, key, echo FROM request WHERE ordinal >= ? ORDER BY ordinal LIMIT ?",
            (from_ordinal, limit),
        ).fetchall()

    def bodies(self, seqs: Sequence[int]) -> dict[int, tuple[bytes, OutcomeKind]]:
        """Body and kind by seq. Neighbouring seqs are read as ranges: a job commits nearly in order."""
        found: dict[int, tuple[bytes, OutcomeKind]] = {}
        numbered = enumerate(sorted(seqs))
        for _, run in groupby(numbered, lambda pair: pair[1] - pair[0]):
            members = [seq for _, seq in run]
            rows = self._db.execute(
                "SELECT seq, body, kind FROM outcome WHERE seq BETWEEN ? AND ?", (members[0], members[-1])
            )
            found.update((seq, (body, OutcomeKind(kind))) for seq, body, kind in rows)
        return found

    def unanswered(self) -> list[tuple[int, int]]:
        """(offset, length) of the lines of requests without an answer, in input order."""
        return self._db.execute(
            'SELECT "offset", length FROM request WHERE ordinal NOT IN'
            " (SELECT ordinal FROM outcome WHERE kind = 'answer') ORDER BY ordinal"
        ).fetchall()

    def repeated(self, limit: int) -> Iterator[list[tuple[int, int]]]:
        """Pages of (the first of them, ordinal) of all requests with the fingerprint of another one, group by group,
        each in input order."""
        rows = self._db.execute(
            "SELECT first, ordinal FROM (SELECT ordinal, first_value(ordinal) OVER same AS first,"
            " lead(ordinal) OVER same AS next FROM request WHERE fingerprint != x''"
            " WINDOW same AS (PARTITION BY fingerprint ORDER BY ordinal))"
            " WHERE first != ordinal OR next IS NOT NULL ORDER BY first, ordinal"
        )
        while page := rows.fetchmany(limit):
            yield page

    def violations(self, limit: int) -> list[Violation]:
        """In input order."""
        rows = self._db.execute(
            "SELECT path, reason, instead, line, key, word FROM violation ORDER BY ordinal, rowid LIMIT ?",
            (limit,),
        )
        return [Violation(*row) for row in rows]

    def usage(self) -> tuple[int, int, int]:
        """Tokens that the whole job used: prompt, cached, output."""
        return self._db.execute(
            "SELECT coalesce(sum(prompt_tokens), 0), coalesce(sum(cached_tokens), 0),"
            " coalesce(sum(output_tokens), 0) FROM outcome WHERE reused_from IS NULL"
        ).fetchone()
