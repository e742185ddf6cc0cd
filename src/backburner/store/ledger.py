"""The ledger of one job: its requests, attempts and outcomes. The truth about the job.

One writer (the writer lane) owns a Ledger. "Each ordinal once" is a bitmap, rebuilt when the ledger is opened,
so no index has to be kept while outcomes stream in. Readers on other lanes use LedgerReader, which sees what
is committed. Figures behind the layout: design section 5.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence, Set
from pathlib import Path

from msgspec.structs import astuple

from backburner.core.job import Counts
from backburner.core.request import FROM_CACHE, CheckedLine, Outcome, OutcomeKind, Saved, Usage, added
from backburner.store.bitmap import Bitmap
from backburner.store.followers import Again, Followers
from backburner.store.ledger_values import PLAN_START, AttemptEnd, Pending, Progress
from backburner.store.sqlite import connect, migrate, script, transaction

MIGRATIONS = (script("ledger.sql"), script("followers.sql"))

FREE_PAGES = 64  # not worth giving back to the disk
LOOKED_ROWS = 50_000  # passed over in one piece of reading ahead, so that commits come in between


class Ledger:
    """The writing side. Every method runs on the writer lane; `counts`, `usage`, `used`, `saved`, `progress` and
    `repeatable` may be read anywhere. `repeatable` counts the requests with a fingerprint."""

    def __init__(self, path: Path, used: "Callable[[Ledger], None]" = lambda _: None) -> None:
        """`used` is told before every use of the file: whoever bounds the open files must know."""
        self._path = path
        self._used = used
        self._db: sqlite3.Connection | None = None
        self._done = Bitmap()
        self.used: dict[tuple[str, str], Usage] = {}  # tokens by engine and model
        self.saved = Saved()
        self.repeatable = 0
        self.followers = Followers()
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
        tokens = "sum(prompt_tokens), sum(cached_tokens), sum(output_tokens)"
        sums = f"SELECT sign(reused_from), engine, model, count(*), {tokens} FROM outcome"
        for own, engine, model, calls, *used in db.execute(f"{sums} GROUP BY 1, 2, 3"):
            if own is None:
                self.used[engine, model] = Usage(*used)
            else:
                self.saved = self.saved.plus(calls, Usage(*used), calls if own < 0 else 0)
        self.counts = Counts(self.progress.next_ordinal, *counted.values())
        self.last_seq: int = db.execute("SELECT coalesce(max(seq), 0) FROM outcome").fetchone()[0]
        (self.repeatable,) = db.execute("SELECT repeatable FROM progress").fetchone()
        self.followers.load(db, self._done)
        self._last_attempt: int = db.execute("SELECT coalesce(max(id), 0) FROM attempt").fetchone()[0]
        self._interrupted: dict[int, int] = dict(
            db.execute(
                "SELECT ordinal, count(*) FROM attempt WHERE ended_at IS NULL GROUP BY ordinal"
            ).fetchall()
        )

    @property
    def usage(self) -> Usage:
        """Tokens of all outcomes, but those that were reused."""
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

    def record_scan(self, lines: Sequence[CheckedLine], known: Sequence[Outcome], progress: Progress) -> None:
        """A stretch of checked lines, the outcomes that are known of some (wrong ones, and answers kept of an earlier
        job), and where the scan stands after them. Does nothing once sealed."""
        if self.sealed:
            return
        assert progress.next_ordinal == self.progress.next_ordinal + len(lines)
        repeatable = self.repeatable + sum(1 for line in lines if line.fingerprint)
        with transaction(self._open()) as db:
            db.executemany(
                'INSERT INTO request (ordinal, line, "offset", length, key, echo, plan_key, fingerprint)'
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (x.ordinal, x.line, x.offset, x.length, x.key, x.echo, x.plan_key, x.fingerprint)
                    for x in lines
                ],
            )
            db.execute("UPDATE progress SET repeatable = ?", (repeatable,))
            seq = self._advance(db, lines, known, progress)
        self.progress, self.repeatable = progress, repeatable
        self._count(known, seq)

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
            astuple(progress),
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

    def record_followers(self, rows: Sequence[tuple[int, int]], taken: Set[int]) -> None:
        """A page of requests that others are identical to, see Followers; nothing on the last."""
        with transaction(self._open()) as db:
            found = self.followers.record(db, rows, lambda ordinal: ordinal in taken or ordinal in self._done)
        self.followers.recorded(found)

    def end_followers(self) -> None:
        """All pages were recorded."""
        self.followers.record_end(self._open())

    def commit(
        self, outcomes: Sequence[Outcome], ends: Sequence[AttemptEnd], again: Again | None = None
    ) -> list[Outcome]:
        """Outcomes, those of requests that follow them, and ended attempts, in one transaction. Returns the outcomes
        that were new; a request that has one already keeps it, and a sealed ledger takes none. `again` makes an
        outcome of one request that of another."""
        if self.sealed:
            return []
        fresh: list[Outcome] = []
        seen: set[int] = set()
        for outcome in outcomes:
            if outcome.ordinal not in self._done and outcome.ordinal not in seen:
                seen.add(outcome.ordinal)
                fresh.append(outcome)
        with transaction(self._open()) as db:
            settled = None
            if again is not None and self.followers.waiting:
                settled = self.followers.settle(db, fresh, self._done, again)
                fresh += settled.outcomes
            seq = self._insert_outcomes(db, fresh)
            db.executemany(
                "UPDATE attempt SET ended_at = ?, trouble = ?, message = ?, model = ?, prompt_tokens = ?,"
                " cached_tokens = ?, output_tokens = ? WHERE id = ?",
                [(x.ended_at, x.trouble, x.message, x.model, *astuple(x.usage), x.id) for x in ends],
            )
        if settled is not None:
            self.followers.settled(settled)
        self._count(fresh, seq)
        return fresh

    def _insert_outcomes(self, db: sqlite3.Connection, outcomes: Sequence[Outcome]) -> int:
        seq = self.last_seq
        rows: list[tuple[object, ...]] = []
        for x in outcomes:
            seq += 1
            tokens = (x.usage.prompt, x.usage.cached, x.usage.output)
            how = (seq, x.ordinal, x.kind, x.code, x.finish_reason)
            rows.append((*how, *tokens, x.engine, x.model, x.at, x.body, x.reused_from))
        db.executemany("INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return seq

    def _count(self, outcomes: Sequence[Outcome], seq: int) -> None:
        self.last_seq = seq
        answers = 0
        more: defaultdict[tuple[str, str], list[Usage]] = defaultdict(list)
        for outcome in outcomes:
            self._done.add(outcome.ordinal)
            answers += outcome.kind is OutcomeKind.ANSWER
            if outcome.reused_from is None:
                more[outcome.engine, outcome.model].append(outcome.usage)
            else:
                self.saved = self.saved.plus(1, outcome.usage, outcome.reused_from == FROM_CACHE)
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
        Those in `skip` are left out, and those that follow another."""
        found: list[Pending] = []
        taken_bytes = 0
        at = from_ordinal
        rows = self._open().execute(
            'SELECT ordinal, "offset", length, key FROM request WHERE ordinal >= ? ORDER BY ordinal',
            (from_ordinal,),
        )
        for looked, (ordinal, offset, length, key) in enumerate(rows):
            if looked == LOOKED_ROWS:
                break
            if ordinal in self._done or ordinal in skip or ordinal in self.followers:
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
        """Those of some requests that have no outcome and follow no other, in the order given."""
        db = self._open()
        found: list[Pending] = []
        for ordinal in ordinals:
            if ordinal not in self._done and ordinal not in self.followers:
                offset, length, key = db.execute(
                    'SELECT "offset", length, key FROM request WHERE ordinal = ?', (ordinal,)
                ).fetchone()
                found.append(Pending(ordinal, offset, length, key, self._interrupted.get(ordinal, 0)))
        return found

    def pending_freed(self, limit: int, limit_bytes: int, skip: Set[int]) -> list[Pending]:
        """Up to `limit` requests that followed another in vain; those in `skip` are left out."""
        freed = [x for x in self.followers.take_freed(limit) if x not in skip]
        found = self.pending_among(freed)
        size_bytes = 0
        for place, pending in enumerate(found):
            if place and size_bytes + pending.length > limit_bytes:
                self.followers.freed.extend(x.ordinal for x in found[place:])
                return found[:place]
            size_bytes += pending.length
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
        looked at, None when there are no more. Those in `skip` are left out, and those that follow another."""
        found: list[Pending] = []
        taken_bytes = 0
        rows = self._open().execute(
            'SELECT plan_key, ordinal, "offset", length, key FROM request'
            " WHERE (plan_key, ordinal) > (?, ?) ORDER BY plan_key, ordinal",
            after or PLAN_START,
        )
        for looked, (plan_key, ordinal, offset, length, key) in enumerate(rows):
            if looked == LOOKED_ROWS:
                rows.close()
                return found, after
            if not (ordinal in self._done or ordinal in skip or ordinal in self.followers):
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
                " prompt_tokens, cached_tokens, output_tokens, engine, model, at, reused_from",
                (from_seq, end),
            ).fetchall()
            kept.sort()
            db.executemany("INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)", kept)
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
        if free > FREE_PAGES:
            db.executescript("PRAGMA incremental_vacuum")  # execute() would take one step, which is one page
        return end if end <= self.last_seq else None
