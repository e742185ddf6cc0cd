"""Every data folder that was ever kept opens in today's code, with all that was in it (scripts/keep_data_folder.py)."""

import json
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backburner.core.job import JobState
from backburner.house import House
from backburner.store.backup import back_up
from backburner.store.catalog import MIGRATIONS
from backburner.store.verify import verify
from tests.conftest import REPO
from tests.doubles.scripted_engine import ScriptedEngine
from tests.doubles.small_house import ended, memory_folder, results, running
from tests.doubles.virtual_time import VirtualClock, virtually

FOLDERS = sorted((REPO / "tests" / "golden" / "folders").glob("*.tar.gz"))


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name.removesuffix(".tar.gz"))
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    with memory_folder() as found:
        with tarfile.open(request.param) as kept:
            kept.extractall(found, filter="data")
        yield found


def told(folder: Path) -> Any:
    return json.loads((folder / "told.json").read_text())


def clock_of(folder: Path) -> VirtualClock:
    """It is the day on which the folder was kept: later its files would have expired."""
    clock = VirtualClock()
    clock.skew_s = told(folder)["made_at"] - clock.now()
    return clock


def texts(lines: list[dict[str, Any]]) -> list[str]:
    return [line["response"]["candidates"][0]["content"]["parts"][0]["text"] for line in lines]


async def all_is_there(house: House, kept: Any, tenant: str) -> None:
    done = await house.jobs.get(tenant, kept["done"].removeprefix("batches/"))
    assert texts(await results(house, done)) == [f"done {n}" for n in range(3)]  # type: ignore[arg-type]
    half = await house.jobs.get(tenant, kept["half"].removeprefix("batches/"))
    assert half.state is JobState.RUNNING
    assert 0 < half.counts.succeeded < kept["lines"] == half.counts.total
    half = await ended(house, half, tenant)
    found = await results(house, half)
    assert [line["key"] for line in found] == [f"k{n}" for n in range(kept["lines"])]
    assert texts(found) == [f"half {n}" for n in range(kept["lines"])]  # type: ignore[arg-type]
    row = await house.files.get(tenant, kept["file"].removeprefix("files/"))
    content = b"".join([piece async for piece in house.files.read(row)])
    assert len(content.splitlines()) == kept["lines"]
    assert await house.caches.get(tenant, kept["cache"].removeprefix("cachedContents/"))


@virtually
async def test_an_old_folder_opens_with_all_that_is_in_it(folder: Path) -> None:
    clock = clock_of(folder)
    async with running(folder, ScriptedEngine(clock), clock) as house:
        asker = await house.keys.asker(told(folder)["key"])
        await all_is_there(house, told(folder), asker.tenant)
    catalog = sqlite3.connect(folder / "catalog.db")
    assert catalog.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    catalog.close()
    assert verify(folder).damages == []


@virtually
async def test_it_can_be_looked_through_and_copied_before_it_is_brought_forward(folder: Path) -> None:
    before = (folder / "catalog.db").read_bytes()
    assert verify(folder).damages == []
    with memory_folder() as target:
        assert back_up(folder, target, "1", "2026").damages == []
        assert (folder / "catalog.db").read_bytes() == before
        clock = clock_of(folder)
        async with running(target, ScriptedEngine(clock), clock) as house:
            asker = await house.keys.asker(told(folder)["key"])
            await all_is_there(house, told(folder), asker.tenant)
