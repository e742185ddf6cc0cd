"""The ledger of one job: its requests, attempts and outcomes. The truth about the job.

One writer (the writer lane) owns a Ledger. "Each ordinal once" is a bitmap, rebuilt when the ledger is opened,
so no index has to be kept while outcomes stream in. Readers on other lanes use LedgerReader, which sees what
is committed. Figures behind the layout: design section 5.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence, Set
from pathlib import Path

import msgspec

from backburner.core.job import Counts
from backburner.core.request import CheckedLine, Outcome, OutcomeKind, Usage, added
from backburner.store.sqlite import connect, migrate, script, transaction

MIGRATIONS = (script("ledger.sql"),)

PLAN_START = (b"", -1)


class Progress(msgspec.Struct, frozen=True):
    """Where intake stands: the next byte, line and ordinal to look at, and how many lines were wrong."""

    next_offset: int = 0
    next_line: int = 1
    next_ordinal: int = 0
    invalid_count: int = 0
    done: bool = False


class Pending(msgspec.Struct, frozen=True):
    """A request without an outcome; `interrupted` counts attempts that ended with the service."""

    ordinal: int
    offset: int
    length: int
    key: str | None
    interrupted: int = 0
    plan_key: bytes = b""


class AttemptEnd(msgspec.Struct, frozen=True):
    id: int
    ended_at: float
    trouble: str = ""
    message: str = ""


class Bitmap:
    """One bit per ordinal: has an outcome."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, ordinal: int) -> bool:
        """False when it was there already."""
        at, bit = ordinal >> 3, 1 << (ordinal & 7)
        if at >= len(self._bits):
            self._bits.extend(bytes(max(at + 1 - len(self._bits), len(self._bits), 1024)))
        fresh = not self._bits[at] & bit
        self._bits[at] |= bit
        return fresh

    def __contains__(self, ordinal: int) -> bool:
        at = ordinal >> 3
        return at < len(self._bits) and bool(self._bits[at] & (1 << (ordinal & 7)))


class Ledger:
    """The writing side. Every method runs on the writer lane; `counts`, `usage`, `used` and `progress` may be read
    anywhere."""

    def __init__(self, path: Path, used: "Callable[[Ledger], None]" = lambda _: None) -> None:
        """`used` is told before every use of the file: whoever bounds the open files must know."""
        self._path = path
        self._used = used
        self._db: sqlite3.Connection | None = None
        self._done = Bitmap()
        self.used: dict[tuple[str, str], Usage] = {}  # tokens by engine and model
        self.sealed = False
        try:
            self._load(self._open())
        except BaseException:
            self.rest()
            raise

    def _load(self, db: sqlite3.Connection) -> None:
        migrate(db, "ledger", MIGRATIONS)
        self.progress = self._read_progress(db)
        counted = {OutcomeKind.ANSWER.value: 0, OutcomeKind.ERROR.value: 0}
        for ordinal, kind in db.execute("SELECT ordinal, kind FROM outcome"):
            counted[kind] += self._done.add(ordinal)
        sums = "SELECT engine, model, sum(prompt_tokens), sum(cached_tokens), sum(output_tokens) FROM outcome"
        for engine, model, *tokens in db.execute(f"{sums} GROUP BY engine, model"):
            self.used[engine, model] = Usage(*tokens)
        self.counts = Counts(self.progress.next_ordinal, *counted.values())
        self.last_seq: int = db.execute("SELECT coalesce(max(seq), 0) FROM outcome").fetchone()[0]
        self._last_attempt: int = db.execute("SELECT coalesce(max(id), 0) FROM attempt").fetchone()[0]
        self._interrupted: dict[int, int] = dict(
            db.execute(
                "SELECT ordinal, count(*) FROM attempt WHERE ended_at IS NULL GROUP BY ordinal"
            ).fetchall()
        )

    @property
    def usage(self) -> Usage:
        """Tokens of all outcomes."""
        return added(*self.used.values())

    @property
    def last_attempt(self) -> int:
        """The id of the newest attempt."""
        return self._last_attempt

    def has_outcome(self, ordinal: int) -> bool:
        """May be asked anywhere."""
        return ordinal in self._done

    def _open(self) -> sqlite3.Connection:
        self._used(self)
        if self._db is None:
            self._db = connect(self._path)
        return self._db

    @staticmethod
    def _read_progress(db: sqlite3.Connection) -> Progress:
        row = db.execute(
            "SELECT next_offset, next_line, next_ordinal, invalid_count, done FROM progress"
        ).fetchone()
        return Progress(*row[:4], done=bool(row[4]))

    def rest(self) -> None:
        """Closes the file, keeps what is in memory; the next call opens it again. For the LRU of open files."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def seal(self) -> None:
        """The job has ended: what comes later does not count. On the writer lane, so that nothing that was
        queued there before is lost and nothing behind gets in."""
        self.sealed = True

    def record_scan(
        self, lines: Sequence[CheckedLine], refused: Sequence[Outcome], progress: Progress
    ) -> None:
        """A stretch of checked lines, the outcomes of the wrong ones (when the job skips them), and where the
        scan stands after them. Does nothing once sealed."""
        if self.sealed:
            return
        assert progress.next_ordinal == self.progress.next_ordinal + len(lines)
        with transaction(self._open()) as db:
            db.executemany(
                'INSERT INTO request (ordinal, line, "offset", length, key, echo, plan_key, fingerprint)'
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (x.ordinal, x.line, x.offset, x.length, x.key, x.echo, x.plan_key, x.fingerprint)
                    for x in lines
                ],
            )
            seq = self._advance(db, lines, refused, progress)
        self.progress = progress
        self._count(refused, seq)

    def refuse(self, lines: Sequence[CheckedLine], refused: Sequence[Outcome], progress: Progress) -> None:
        """Lines recorded before that turned out to be wrong. One that has an outcome by now keeps it."""
        if self.sealed:
            return
        fresh = [outcome for outcome in refused if outcome.ordinal not in self._done]
        with transaction(self._open()) as db:
            seq = self._advance(db, lines, fresh, progress)
        self.progress = progress
        self._count(fresh, seq)

    def _advance(
        self,
        db: sqlite3.Connection,
        lines: Sequence[CheckedLine],
        refused: Sequence[Outcome],
        progress: Progress,
    ) -> int:
        db.executemany(
            "INSERT INTO violation (ordinal, line, key, path, reason, instead, word) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (x.ordinal, x.line, x.key, v.path, v.reason, v.instead, v.word)
                for x in lines
                for v in x.violations
            ],
        )
        db.execute(
            "UPDATE progress SET next_offset = ?, next_line = ?, next_ordinal = ?, invalid_count = ?, done = ?",
            msgspec.structs.astuple(progress),
        )
        return self._insert_outcomes(db, refused)

    def repeated_keys(self) -> list[tuple[int, int, str, int]]:
        """(ordinal, line, key, line of the first) of every request whose key an earlier one has, and with which
        nothing else is wrong."""
        return (
            self._open()
            .execute(
                "SELECT ordinal, line, key, first_line FROM (SELECT ordinal, line, key,"
                " row_number() OVER again AS place, first_value(line) OVER again AS first_line"
                " FROM request WHERE key IS NOT NULL WINDOW again AS (PARTITION BY key ORDER BY ordinal))"
                " WHERE place > 1 AND ordinal NOT IN (SELECT ordinal FROM violation) ORDER BY ordinal"
            )
            .fetchall()
        )

    def start_attempts(self, starts: Sequence[tuple[int, str]], at: float) -> range:
        """Records attempts, (ordinal, engine) each, before they are made; their ids in the same order."""
        ids = range(self._last_attempt + 1, self._last_attempt + 1 + len(starts))
        with transaction(self._open()) as db:
            db.executemany(
                "INSERT INTO attempt (id, ordinal, engine, started_at) VALUES (?, ?, ?, ?)",
                [(id_, ordinal, engine, at) for id_, (ordinal, engine) in zip(ids, starts, strict=True)],
            )
        self._last_attempt = ids.stop - 1
        return ids

    def commit(self, outcomes: Sequence[Outcome], ends: Sequence[AttemptEnd]) -> list[Outcome]:
        """Outcomes and ended attempts in one transaction. Returns the outcomes that were new; a request that
        has one already keeps it, and a sealed ledger takes none."""
        if self.sealed:
            return []
        fresh: list[Outcome] = []
        seen: set[int] = set()
        for outcome in outcomes:
            if outcome.ordinal not in self._done and outcome.ordinal not in seen:
                seen.add(outcome.ordinal)
                fresh.append(outcome)
        with transaction(self._open()) as db:
            seq = self._insert_outcomes(db, fresh)
            db.executemany(
                "UPDATE attempt SET ended_at = ?, trouble = ?, message = ? WHERE id = ?",
                [(end.ended_at, end.trouble, end.message, end.id) for end in ends],
            )
        self._count(fresh, seq)
        return fresh

    def _insert_outcomes(self, db: sqlite3.Connection, outcomes: Sequence[Outcome]) -> int:
        seq = self.last_seq
        rows: list[tuple[object, ...]] = []
        for x in outcomes:
            seq += 1
            tokens = (x.usage.prompt, x.usage.cached, x.usage.output)
            rows.append(
                (seq, x.ordinal, x.kind, x.code, x.finish_reason, *tokens, x.engine, x.model, x.at, x.body)
            )
        db.executemany("INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return seq

    def _count(self, outcomes: Sequence[Outcome], seq: int) -> None:
        self.last_seq = seq
        answers = 0
        more: defaultdict[tuple[str, str], list[Usage]] = defaultdict(list)
        for outcome in outcomes:
            self._done.add(outcome.ordinal)
            answers += outcome.kind is OutcomeKind.ANSWER
            more[outcome.engine, outcome.model].append(outcome.usage)
        for lane, usages in more.items():
            self.used[lane] = added(self.used.get(lane, Usage()), *usages)
        self.counts = Counts(
            self.progress.next_ordinal,
            self.counts.succeeded + answers,
            self.counts.failed + len(outcomes) - answers,
        )

    def pending(
        self, from_ordinal: int, limit: int, limit_bytes: int, skip: Set[int] = frozenset()
    ) -> tuple[list[Pending], int]:
        """Up to `limit` requests without an outcome, from `from_ordinal` on, and where the next page begins.
        Those in `skip` are left out."""
        found: list[Pending] = []
        taken_bytes = 0
        at = from_ordinal
        rows = self._open().execute(
            'SELECT ordinal, "offset", length, key FROM request WHERE ordinal >= ? ORDER BY ordinal',
            (from_ordinal,),
        )
        for ordinal, offset, length, key in rows:
            if ordinal in self._done or ordinal in skip:
                at = ordinal + 1
                continue
            if len(found) >= limit or (found and taken_bytes + length > limit_bytes):
                break
            found.append(Pending(ordinal, offset, length, key, self._interrupted.get(ordinal, 0)))
            taken_bytes += length
            at = ordinal + 1
        rows.close()
        return found, at

    def pending_among(self, ordinals: Sequence[int]) -> list[Pending]:
        """Those of some requests that have no outcome, in the order given."""
        db = self._open()
        found: list[Pending] = []
        for ordinal in ordinals:
            if ordinal not in self._done:
                offset, length, key = db.execute(
                    'SELECT "offset", length, key FROM request WHERE ordinal = ?', (ordinal,)
                ).fetchone()
                found.append(Pending(ordinal, offset, length, key, self._interrupted.get(ordinal, 0)))
        return found

    def build_plan(self) -> bool:
        """Makes the order of the plan, after the scan; False when no requests share anything and the order of
        the input is as good."""
        db = self._open()
        (shared,) = db.execute(
            "SELECT EXISTS (SELECT 1 FROM request WHERE plan_key > zeroblob(64))"
        ).fetchone()
        if shared:
            db.execute("CREATE INDEX IF NOT EXISTS request_plan ON request (plan_key, ordinal)")
        return bool(shared)

    def pending_in_plan(
        self, after: tuple[bytes, int] | None, limit: int, limit_bytes: int, skip: Set[int]
    ) -> tuple[list[Pending], tuple[bytes, int] | None]:
        """Up to `limit` requests without an outcome in the order of the plan, behind `after`; and the last one
        looked at, None when there are no more. Those in `skip` are left out."""
        found: list[Pending] = []
        taken_bytes = 0
        rows = self._open().execute(
            'SELECT plan_key, ordinal, "offset", length, key FROM request'
            " WHERE (plan_key, ordinal) > (?, ?) ORDER BY plan_key, ordinal",
            after or PLAN_START,
        )
        for plan_key, ordinal, offset, length, key in rows:
            if ordinal not in self._done and ordinal not in skip:
                if len(found) >= limit or (found and taken_bytes + length > limit_bytes):
                    rows.close()
                    return found, after
                found.append(
                    Pending(ordinal, offset, length, key, self._interrupted.get(ordinal, 0), plan_key)
                )
                taken_bytes += length
            after = (plan_key, ordinal)
        return found, None

    def drop_bodies(self, from_seq: int, limit: int, limit_bytes: int) -> int | None:
        """After publishing, when the bodies are in the result file: a bounded piece of dropping them here.
        The seq to go on from, None when all are gone."""
        db = self._open()
        sizes = db.execute(
            "SELECT seq, length(body) FROM outcome WHERE seq >= ? ORDER BY seq LIMIT ?", (from_seq, limit)
        )
        end, dropped_bytes = from_seq, 0
        for seq, length in sizes:
            end, dropped_bytes = seq + 1, dropped_bytes + (length or 0)
            if dropped_bytes >= limit_bytes:
                break
        sizes.close()
        if end == from_seq:
            return None
        with transaction(db):
            # written again, because an UPDATE leaves the pages as they are, half empty
            kept = db.execute(
                "DELETE FROM outcome WHERE seq >= ? AND seq < ? RETURNING seq, ordinal, kind, code, finish_reason,"
                " prompt_tokens, cached_tokens, output_tokens, engine, model, at",
                (from_seq, end),
            ).fetchall()
            kept.sort()
            db.executemany("INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", kept)
        db.executescript("PRAGMA incremental_vacuum")  # execute() would take one step, which is one page
        return end
