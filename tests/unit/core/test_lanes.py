import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backburner.core.lanes import Lanes, Process, Threads
from tests.doubles import virtual_time


def double(number: int) -> int:
    return 2 * number


def fail(words: str) -> None:
    raise ValueError(words)


def die() -> None:
    os._exit(3)


@pytest.fixture(params=["real", "inline"])
async def lanes(request: pytest.FixtureRequest) -> AsyncIterator[Lanes]:
    found = Lanes.real() if request.param == "real" else Lanes.inline()
    yield found
    found.close()


async def test_a_lane_gives_back_what_the_work_returns_or_raises(lanes: Lanes) -> None:
    for lane in (lanes.write, lanes.read, lanes.scan):
        assert await lane.run(double, 21) == 42
        with pytest.raises(ValueError, match="these words"):
            await lane.run(fail, "these words")


async def test_the_writer_does_one_thing_at_a_time_in_the_order_it_was_asked(lanes: Lanes) -> None:
    done: list[int] = []
    busy = threading.Lock()

    def write(number: int) -> None:
        assert busy.acquire(blocking=False), "two writes at once"
        done.append(number)
        busy.release()

    await asyncio.gather(*(lanes.write.run(write, number) for number in range(50)))
    assert done == list(range(50))


def test_the_inline_writer_keeps_its_order_when_the_loop_keeps_none() -> None:
    async def main() -> None:
        lanes, asked, done = Lanes.inline(), list[int](), list[int]()

        async def ask(number: int) -> None:
            asked.append(number)
            await lanes.write.run(done.append, number)

        await asyncio.gather(*(ask(number) for number in range(30)))
        assert done == asked
        assert asked != sorted(asked), "the loop did shuffle"

    for seed in range(5):
        virtual_time.run(main, seed=seed)


async def test_reading_does_not_wait_for_writing() -> None:
    lanes = Lanes.real()
    written = threading.Event()
    writing = asyncio.ensure_future(lanes.write.run(written.wait, 10))
    assert await asyncio.wait_for(lanes.read.run(double, 1), 5) == 2
    written.set()
    assert await writing
    lanes.close()


async def test_a_child_that_dies_is_replaced_and_its_neighbours_work_is_done() -> None:
    lane = Process()
    try:
        with pytest.raises(Exception, match="terminated abruptly"):
            await lane.run(die)  # dies twice: once more than anyone who does not kill
        assert await asyncio.gather(lane.run(double, 1), lane.run(double, 2)) == [2, 4]
    finally:
        lane.close()


async def test_work_is_done_elsewhere() -> None:
    threads = Threads("t", 1)
    assert await threads.run(threading.get_ident) != threading.get_ident()
    threads.close()


ORPHAN = """
import asyncio, os
from backburner.core.lanes import Process
async def main():
    print(await Process().run(os.getpid), flush=True)
    os.kill(os.getpid(), 9)
if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_parent_that_is_killed_takes_its_child_with_it(tmp_path: Path) -> None:
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    killed = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    child = int(killed.stdout)
    for _ in range(100):
        if not Path(f"/proc/{child}").exists():
            return
        time.sleep(0.05)
    pytest.fail(f"the child {child} outlived its parent")


def test_children_are_spawned_because_a_fork_of_threads_may_deadlock() -> None:
    assert Process()._pool._mp_context is multiprocessing.get_context("spawn")  # type: ignore[attr-defined]
