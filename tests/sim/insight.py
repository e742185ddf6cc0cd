"""What checkers know of the inside of the service, all in one place: how it is named may change, the promises not."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from backburner.core.job import Counts, JobState
from backburner.core.request import Usage
from backburner.house import House

_connect = sqlite3.connect  # the world watches the other one


class LaneView(msgspec.Struct, frozen=True):
    """How many calls one model of one engine is given at once, and the most it may ever be."""

    engine: str
    model: str
    limit: float
    cap: int


class RunView(msgspec.Struct, frozen=True):
    job: str
    tenant: str
    state: JobState
    ended: bool
    counts: Counts
    usage: Usage


class Row(msgspec.Struct, frozen=True):
    """One outcome in the ledger. `body` leaves it when the results are published."""

    seq: int
    ordinal: int
    kind: str
    code: int
    usage: tuple[int, int, int]
    body: bytes | None
    reused: bool  # the answer of an identical request, at no cost


def lanes(house: House) -> Iterator[LaneView]:
    for (engine, model), pace in house.slots.paces.items():
        yield LaneView(engine, model, pace.limit, pace.cap)


def runs(house: House) -> Iterator[RunView]:
    for run in list(house.board.runs.values()):
        job = run.job
        yield RunView(job.id, job.tenant, job.state, job.ended, run.counts, run.ledger.usage)


def has_ended(house: House, job: str) -> bool:
    """Whether a job has ended durably and is still in memory."""
    run = house.board.runs.get(job)
    return run is not None and run.job.ended


def broken(house: House) -> BaseException | None:
    return house.broken.exception() if house.broken.done() else None


def outcomes(folder: Path, job: str, after: int = 0) -> list[Row]:
    """What is durable of a job, behind seq `after`; nothing when it is gone."""
    path = folder / "jobs" / job / "ledger.db"
    if not path.exists():
        return []
    db = _connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        found = db.execute(
            "SELECT seq, ordinal, kind, code, prompt_tokens, cached_tokens, output_tokens, body,"
            " reused_from IS NOT NULL FROM outcome"
            " WHERE seq > ? ORDER BY seq",
            (after,),
        ).fetchall()
    except sqlite3.OperationalError:  # killed before the tables were made
        return []
    finally:
        db.close()
    return [Row(*row[:4], usage=tuple(row[4:7]), body=row[7], reused=bool(row[8])) for row in found]


def request_count(folder: Path, job: str) -> int:
    path = folder / "jobs" / job / "ledger.db"
    db = _connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return db.execute("SELECT count(*) FROM request").fetchone()[0]
    finally:
        db.close()


def disk(folder: Path) -> tuple[set[str], set[str], set[str], set[str]]:
    """Blobs that are there, blobs that something in the catalog names, ledgers that are there, jobs."""
    there = {path.name for path in (folder / "blobs").glob("??/*")}
    ledgers = {path.name for path in (folder / "jobs").iterdir()}
    db = _connect(f"{(folder / 'catalog.db').as_uri()}?mode=ro", uri=True)
    try:
        named = {row[0] for row in db.execute("SELECT blob FROM file UNION SELECT blob FROM pin")}
        jobs = {row[0] for row in db.execute("SELECT id FROM job")}
    finally:
        db.close()
    return there, named - {None}, ledgers, jobs
