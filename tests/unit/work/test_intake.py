"""From bytes to requests: whatever the line breaks, wherever the pieces are cut, and however often one starts anew."""

import asyncio
import random
from pathlib import Path

import pytest

from backburner.core.errors import Code, InvalidArgument
from backburner.core.job import Counts, JobState, OnInvalid
from backburner.house import House
from backburner.work import intake
from tests.doubles.plain_dialect import PlainDialect
from tests.doubles.scripted_engine import Play, ScriptedEngine
from tests.doubles.small_house import build, create, ended, numbered, results, running, upload
from tests.doubles.virtual_time import VirtualClock, virtually

PIECES = pytest.mark.parametrize("piece_bytes", [7, 10, 16, 100, 1 << 20])

LAYOUTS = {
    "plain": b"a|one\nb|two\nc|three\n",
    "no final newline": b"a|one\nb|two\nc|three",
    "CRLF": b"a|one\r\nb|two\r\nc|three\r\n",
    "CRLF without the last": b"a|one\r\nb|two\r\nc|three",
    "blank lines": b"\n\n  \na|one\n\nb|two\n\t\n\nc|three\n\n\n",
    "blank lines of CRLF": b"\r\na|one\r\n\r\nb|two\r\n\r\nc|three\r\n\r\n",
    "ends in blanks": b"a|one\nb|two\nc|three\n   ",
}


@pytest.fixture
def piece_bytes() -> int:
    return 1 << 20


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch, piece_bytes: int) -> None:
    monkeypatch.setattr(intake, "SCAN_CHUNK_BYTES", piece_bytes)
    monkeypatch.setattr(intake, "LINE_BYTES", 40)


async def lines_seen(house: House, content: bytes, **draft: object) -> list[tuple[str, str]]:
    job = await create(house, None, file_id=await upload(house, content), **draft)
    job = await ended(house, job)
    return [(str(x.get("key")), str(x.get("response", x.get("error")))) for x in await results(house, job)]


@PIECES
@pytest.mark.parametrize("layout", LAYOUTS)
@virtually
async def test_lines_are_the_same_whatever_breaks_them_and_wherever_the_pieces_are_cut(
    tmp_path: Path, clock: VirtualClock, layout: str, piece_bytes: int
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        found = await lines_seen(house, LAYOUTS[layout])
    assert found == [("a", "one"), ("b", "two"), ("c", "three")]


@PIECES
@virtually
async def test_a_wrong_line_is_named_by_its_number_blank_lines_counted(
    tmp_path: Path, clock: VirtualClock, piece_bytes: int
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        file = await upload(house, b"a|one\n\n\nb|!!\nc|three\n\nd|!")
        with pytest.raises(InvalidArgument) as refused:
            await create(house, None, file_id=file)
    assert refused.value.reason == "INVALID_REQUESTS"
    assert [(x.line, x.key, x.path) for x in refused.value.violations] == [
        (4, "b", "wrong[0]"),
        (4, "b", "wrong[1]"),
        (7, "d", "wrong[0]"),
    ]


@PIECES
@virtually
async def test_with_the_option_good_lines_run_and_bad_ones_come_back_in_place(
    tmp_path: Path, clock: VirtualClock, piece_bytes: int
) -> None:
    engine = ScriptedEngine(clock)
    async with running(tmp_path, engine, clock) as house:
        found = await lines_seen(house, b"a|one\nb|!!\nc|three\nd|!", on_invalid=OnInvalid.SKIP)
    assert [key for key, _ in found] == ["a", "b", "c", "d"]
    assert (found[0][1], found[2][1]) == ("one", "three")
    assert "line 2: wrong[0]: is wrong. Mend it; wrong[1]: is wrong. Mend it" in found[1][1]
    assert "line 4" in found[3][1]
    assert {made.text for made in engine.calls} == {"one", "three"}


# Lines that are too long


@pytest.mark.parametrize("length", [39, 40, 41, 42, 43, 100, 5000])
@pytest.mark.parametrize("ending", [b"\nb|two\n", b"\r\nb|two", b"\n", b""])
@pytest.mark.parametrize("piece_bytes", [7, 64, 1 << 20])
@virtually
async def test_a_line_over_the_limit_is_named_and_the_next_is_read(
    tmp_path: Path, clock: VirtualClock, length: int, ending: bytes, piece_bytes: int
) -> None:
    """The plain dialect takes a line of any length, so what is refused here is what intake did not read in."""
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        content = b"z|first\na|" + b"x" * (length - 2) + ending
        found = await lines_seen(house, content, on_invalid=OnInvalid.SKIP)
        assert found[0] == ("z", "first")
        if b"b|two" in ending:
            assert found[2] == ("b", "two")
        assert len(found) == 2 + (b"b|two" in ending)
        if length <= 40:
            assert found[1] == ("a", "x" * (length - 2))


@pytest.mark.parametrize("piece_bytes", [64])
@virtually
async def test_a_line_of_any_length_is_never_held_in_memory(
    tmp_path: Path, clock: VirtualClock, piece_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        largest = 0
        check = PlainDialect.check_lines

        def watched(self: PlainDialect, chunk: bytes, *rest: object) -> object:
            nonlocal largest
            largest = max(largest, len(chunk))
            return check(self, chunk, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(PlainDialect, "check_lines", watched)
        content = b"a|one\nb|" + b"x" * 100_000 + b"\nc|three\n"
        job = await create(house, None, file_id=await upload(house, content), on_invalid=OnInvalid.SKIP)
        found = await results(house, await ended(house, job))
    assert largest <= 64
    assert "the line is 100,002 bytes long, at most 40 are taken" in found[1]["error"]["message"]  # type: ignore[index]
    assert [line.get("response") for line in found] == ["one", None, "three"]


# Keys


@pytest.mark.parametrize("piece_bytes", [10, 1 << 20])
@virtually
async def test_where_keys_are_unique_a_repeated_one_is_a_mistake(
    tmp_path: Path, clock: VirtualClock, piece_bytes: int
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        house.dialects["plain"] = PlainDialect(unique_keys=True)  # type: ignore[assignment]
        content = b"a|one\nb|two\na|three\nc|!\nc|!\n"
        with pytest.raises(InvalidArgument) as refused:
            await create(house, None, file_id=await upload(house, content))
        assert "3 of 5 requests are wrong" in refused.value.message
        assert [(x.line, x.key) for x in refused.value.violations] == [(3, "a"), (4, "c"), (5, "c")]
        found = await lines_seen(house, content, on_invalid=OnInvalid.SKIP)
        assert [(key, text) for key, text in found if text in ("one", "two", "three")] == [
            ("a", "one"),
            ("b", "two"),
        ]


# What is found wrong after the job was accepted


@pytest.mark.parametrize("piece_bytes", [50])
@virtually
async def test_what_is_found_wrong_later_fails_the_job_with_the_reasons_in_place(
    tmp_path: Path, clock: VirtualClock, piece_bytes: int
) -> None:
    lines = [*numbered(100), b"bad|!!", *numbered(20, start=100)]
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        file = await upload(house, b"\n".join(lines))
        job = await ended(house, await create(house, None, file_id=file, check_first=False))
        assert job.state is JobState.FAILED
        assert job.error is not None
        assert job.error.code is Code.INVALID_ARGUMENT
        assert f"1 of {job.counts.total} lines of files/{file} are wrong" in job.error.message
        assert job.counts.total == 121, "all of it was looked at, for all mistakes at once"
        found = await results(house, job)
        assert len(found) == 121
        assert "line 101: wrong[0]" in str(found[100]["error"])


@virtually
async def test_a_file_without_requests_is_refused_or_fails_the_job(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        blank = await upload(house, b"\n \r\n\n")
        with pytest.raises(InvalidArgument, match="has no requests in it"):
            await create(house, None, file_id=blank)
        job = await ended(house, await create(house, None, file_id=blank, check_first=False))
        assert (job.state, job.counts) == (JobState.FAILED, Counts())
        assert job.error is not None
        assert "has no requests in it" in job.error.message


@pytest.mark.parametrize("piece_bytes", [50])
@pytest.mark.parametrize("moment", ["condemned", "empty", "repeated"])
@virtually
async def test_a_job_that_must_fail_fails_also_when_the_service_goes_down_just_before(
    tmp_path: Path, clock: VirtualClock, piece_bytes: int, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {
        "condemned": b"\n".join([*numbered(50), b"bad|!"]),
        "empty": b"\n\n",
        "repeated": b"\n".join([*numbered(50), b"k7|again"]),
    }
    last_act = "_refuse_repeats" if moment == "repeated" else "_fail"

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    house = build(tmp_path, ScriptedEngine(clock), clock)
    house.dialects["plain"] = PlainDialect(unique_keys=moment == "repeated")  # type: ignore[assignment]
    await house.start()
    job = await create(house, None, file_id=await upload(house, contents[moment]), check_first=False)
    monkeypatch.setattr(intake.Intake, last_act, never)
    await clock.sleep(50)
    assert not (await house.jobs.get("default", job.id)).ended
    monkeypatch.undo()
    await house.stop()
    house = build(tmp_path, ScriptedEngine(clock), clock)
    house.dialects["plain"] = PlainDialect(unique_keys=moment == "repeated")  # type: ignore[assignment]
    await house.start()
    assert (await ended(house, job)).state is JobState.FAILED
    await house.stop()


@pytest.mark.parametrize("piece_bytes", [50])
@pytest.mark.parametrize("seed", range(5))
@virtually
async def test_a_scan_goes_on_in_the_middle_of_the_file_after_a_restart(
    tmp_path: Path, clock: VirtualClock, piece_bytes: int, seed: int
) -> None:
    chance = random.Random(seed)
    engine = ScriptedEngine(clock, lambda text, nth: Play(0.1))
    house = build(tmp_path, engine, clock, seed=seed)
    await house.start()
    file = await upload(house, b"\r\n".join(numbered(300)))
    job = await create(house, None, file_id=file, check_first=False)
    for _ in range(10 + chance.randrange(60)):
        await asyncio.sleep(0)
    scanned = house.board.runs[job.id].ledger.progress
    assert 0 < scanned.next_ordinal < 300
    assert not scanned.done
    await house.stop()
    offsets: list[int] = []
    check = PlainDialect.check_lines

    def watched(self: PlainDialect, *rest: object) -> object:
        offsets.append(rest[-1])  # type: ignore[arg-type]
        return check(self, *rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlainDialect, "check_lines", watched)
        async with running(tmp_path, engine, clock, seed=seed) as house:
            job = await ended(house, job)
            found = await results(house, job)
    assert offsets[0] >= scanned.next_offset, "what was scanned is not scanned again"
    assert (job.counts, job.scanned) == (Counts(300, 300, 0), True)
    assert [line["response"] for line in found] == [f"text {n}" for n in range(300)]


@virtually
async def test_an_input_that_vanished_from_the_folder_fails_the_job_in_words(
    tmp_path: Path, clock: VirtualClock
) -> None:
    engine = ScriptedEngine(clock, lambda text, nth: Play(100.0))
    for check_first in (True, False):
        house = build(tmp_path, engine, clock)
        await house.start()
        job = await create(house, numbered(5), check_first=check_first)
        await house.stop()
        for path in (tmp_path / "blobs").glob(f"*/{job.input_blob}"):
            path.unlink()
        async with running(tmp_path, engine, clock) as house:
            job = await ended(house, job)
            assert job.state is JobState.FAILED
            assert job.error is not None
            assert job.error.code is Code.DATA_LOSS
            assert "gone from the data folder" in job.error.message
            await house.jobs.delete("default", job.id)


@virtually
async def test_a_bug_in_a_check_ends_the_job_and_says_behind_which_line(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> object:
        raise KeyError("oops")

    async with running(tmp_path, ScriptedEngine(clock), clock) as house:
        monkeypatch.setattr(PlainDialect, "check_lines", broken)
        job = await ended(house, await create(house, numbered(5), check_first=False))
        assert job.state is JobState.FAILED
        assert job.error is not None
        assert (job.error.code, "behind line 0" in job.error.message) == (Code.INTERNAL, True)
        assert "event=scan_broken" in caplog.text
        with pytest.raises(KeyError):
            await create(house, numbered(5))
        assert (await house.jobs.list("default", None, None)).items == [job], "it was never accepted"
