"""What can be wrong with a ledger whose pages are sound: its rows must agree with each other and with the job."""

import sqlite3
from contextlib import closing
from pathlib import Path

from backburner.core.job import Job, JobState
from backburner.store.holdings import integrity
from backburner.store.ledger import MIGRATIONS
from backburner.store.sqlite import check_version, connect

INDEX_ROW_BYTES = 16


def ledger_faults(folder: Path, job: Job) -> list[str]:
    """In words, empty for a sound one. `folder` is the job's. The job was read before its ledger is."""
    try:
        with closing(connect(folder / "ledger.db", readonly=True)) as db:
            check_version(db, f"ledger of job {job.id}", MIGRATIONS)
            db.execute("BEGIN")  # one moment, also while its server runs
            return integrity(db) or [*_rows(db), *_against_job(db, job), *_index(folder, job)]
    except sqlite3.DatabaseError as error:
        return [f"cannot be read: {error}"]


def _one(db: sqlite3.Connection, question: str) -> int:
    return db.execute(question).fetchone()[0]


def _rows(db: sqlite3.Connection) -> list[str]:
    faults: list[str] = []
    known = _one(db, "SELECT next_ordinal FROM progress")
    requests, last = db.execute("SELECT count(*), coalesce(max(ordinal), -1) FROM request").fetchone()
    if not requests == last + 1 == known:
        faults.append(f"{known:,} requests were read from the input, and it has {requests:,}")
    outcomes, ordinals = db.execute("SELECT count(*), count(DISTINCT ordinal) FROM outcome").fetchone()
    if outcomes != ordinals:
        faults.append(f"{outcomes - ordinals:,} requests have more than one outcome")
    strangers = _one(db, "SELECT count(*) FROM outcome WHERE ordinal NOT IN (SELECT ordinal FROM request)")
    if strangers:
        faults.append(f"{strangers:,} outcomes belong to no request")
    return faults


def _against_job(db: sqlite3.Connection, job: Job) -> list[str]:
    faults: list[str] = []
    if not job.ended:
        return faults
    answers, errors = db.execute(
        "SELECT coalesce(sum(kind = 'answer'), 0), coalesce(sum(kind = 'error'), 0) FROM outcome"
    ).fetchone()
    counts = job.counts
    if (answers, errors) != (counts.succeeded, counts.failed):
        told = f"{counts.succeeded:,} answers and {counts.failed:,} errors"
        faults.append(f"it has {answers:,} answers and {errors:,} errors, and the job ended with {told}")
    if job.state is JobState.SUCCEEDED and counts.pending:
        faults.append(f"the job succeeded with {counts.pending:,} requests without an outcome")
    if job.results_blob is None and (lost := _one(db, "SELECT count(*) FROM outcome WHERE body IS NULL")):
        faults.append(f"{lost:,} outcomes have lost their text, and there is no result file")
    return faults


def _index(folder: Path, job: Job) -> list[str]:
    if job.results_blob is None:
        return []
    index = folder / "lines.idx"
    found = index.stat().st_size if index.exists() else 0
    if found != INDEX_ROW_BYTES * job.counts.total:
        return [f"lines.idx, where each result line is, has {found:,} bytes for {job.counts.total:,} lines"]
    return []
