"""A life of a house that a crash may end, and what it left."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

from backburner.house import House
from tests.doubles.crash import Crash, Crashed, watched
from tests.doubles.scripted_engine import ScriptedEngine
from tests.doubles.small_house import build
from tests.doubles.virtual_time import run


def open_attempts(folder: Path) -> int:
    """How many calls the ledgers say were in flight."""
    found = 0
    for path in folder.glob("jobs/*/ledger.db"):
        db = sqlite3.connect(path)
        if db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'attempt'").fetchone()[0]:
            found += db.execute("SELECT count(*) FROM attempt WHERE ended_at IS NULL").fetchone()[0]
        db.close()
    return found


def survived(
    crash: Crash,
    folder: Path,
    engine: ScriptedEngine,
    main: Callable[[House], Awaitable[None]],
    seed: int | None = None,
) -> bool:
    """Whether `main` came to its end before the crash."""
    houses: list[House] = []

    async def whole_life() -> None:
        house = build(folder, engine, seed=seed or 0)
        houses.append(house)
        await house.start()
        await main(house)
        await house.stop()

    with watched(crash):
        try:
            run(whole_life, seed=seed, on_step=crash.on_step)
        except Crashed:
            engine.plug_in()
            for house in houses:
                house.stores.close()
    return not crash.happened
