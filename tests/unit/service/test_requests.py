"""Pages of requests are bounded by bytes too, and say what there is when parts are gone."""

from pathlib import Path

import pytest

from backburner.service.requests import RequestPage
from tests.doubles.scripted_engine import ScriptedEngine
from tests.doubles.small_house import create, ended, running, upload
from tests.doubles.virtual_time import VirtualClock, run


def test_a_page_ends_where_its_bytes_end_and_the_next_goes_on(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backburner.service.requests.PAGE_BYTES", 1000)
    lines = [b"k%d|%s" % (n, b"x" * size) for n, size in enumerate([10, 300, 2000, 10, 400, 20])]

    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            job = await ended(house, await create(house, lines))
            pages: list[list[int]] = []
            cursor = ""
            while True:
                page = await house.requests.page(job, failed=False, cursor=cursor)
                pages.append([item.row.ordinal for item in page.items])
                assert all(item.request == lines[item.row.ordinal] for item in page.items)
                cursor = page.cursor
                if not cursor:
                    break
            assert [ordinal for page in pages for ordinal in page] == list(range(6))
            assert [2] in pages, "one that is larger than a page is a page of its own"
            assert len(pages) > 2

    run(main)


def test_what_is_gone_is_left_out(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            file = await upload(house, b"a|x\nb|y\n")
            job = await ended(house, await create(house, file_id=file))

            async def page() -> RequestPage:
                return await house.requests.page(job, failed=False, cursor="")

            before = (await page()).items
            assert [item.request for item in before] == [b"a|x", b"b|y"]
            assert [item.result for item in before] == [
                b'{"key":"a","response":"x"}',
                b'{"key":"b","response":"y"}',
            ]
            await house.files.delete("default", file)
            await house.files.delete("default", f"batch-{job.id}")
            after = (await page()).items
            assert [item.request for item in after] == [None, None]
            assert [item.result for item in after] == [None, None]
            assert all(item.outcome is not None for item in after), "that is in the ledger"

    run(main)


def test_a_job_without_failures_has_an_empty_page_of_them(tmp_path: Path, clock: VirtualClock) -> None:
    async def main() -> None:
        async with running(tmp_path, ScriptedEngine(clock), clock) as house:
            job = await ended(house, await create(house, [b"a|x"]))
            assert await house.requests.page(job, failed=True, cursor="") == RequestPage([])

    run(main)
