"""What a job would take, before it is made."""

from pathlib import Path

import msgspec
import pytest

from backburner.config import Settings
from backburner.core.errors import InvalidArgument, NotFound, PermissionDenied
from backburner.core.job import JobKind
from backburner.core.lanes import Lanes
from backburner.house import House
from backburner.policy.price import Price, amount
from backburner.service.drafts import JobDraft
from backburner.service.estimate import Estimate
from tests.doubles.small_house import TENANT, ended, upload
from tests.doubles.virtual_time import VirtualClock, run

PRICES = {"simulated/*": Price(input=1.0, output=2.0, batch_discount=0.5)}


def line(words: int, most: int = 10) -> bytes:
    request = {
        "contents": [{"parts": [{"text": " ".join(["word"] * words)}]}],
        "generationConfig": {"maxOutputTokens": most},
    }
    return msgspec.json.encode({"request": request})


async def house_of(folder: Path, prices: dict[str, Price]) -> House:
    settings = Settings(data=str(folder), engine="simulated:latency_ms=1000", prices=prices)
    house = House(settings, clock=VirtualClock(), lanes=Lanes.inline())
    await house.start()
    return house


async def estimated(house: House, content: bytes) -> Estimate:
    file = await upload(house, content)
    return await house.estimates.of(TENANT, file, "m", JobKind.GENERATE, "gemini")


def test_tokens_are_counted_and_costs_are_those_of_a_batch(tmp_path: Path) -> None:
    async def main() -> None:
        house = await house_of(tmp_path, PRICES)
        found = await estimated(house, b"\n".join([line(7)] * 1000))
        assert (found.requests, found.wrong, found.counted) == (1000, 0, True)
        assert 100 <= found.sampled <= 200
        assert (found.prompt_tokens, found.output_tokens_most) == (7000, 10_000)
        assert found.cost_most_nanos is not None
        assert amount(found.cost_most_nanos) == pytest.approx((7000 * 1.0 + 10_000 * 2.0) / 1e6 / 2)
        assert (found.output_tokens_likely, found.likely_s) == (None, None), "there is no past"
        await house.stop()

    run(main)


def test_a_file_that_begins_with_its_short_lines_does_not_mislead(tmp_path: Path) -> None:
    async def main() -> None:
        house = await house_of(tmp_path, PRICES)
        found = await estimated(
            house, b"\n".join([line(5)] * 5000 + [line(5), line(500), line(5)] * 333 + [line(500)]) + b"\n"
        )
        assert found.requests == 6000
        assert found.prompt_tokens == pytest.approx(5 * 5666 + 500 * 334, rel=0.3)
        await house.stop()

    run(main)


def test_what_such_jobs_took_before_makes_it_likely(tmp_path: Path) -> None:
    async def main() -> None:
        house = await house_of(tmp_path, {})
        file = await upload(house, b"\n".join([line(20, most=4)] * 128))
        draft = JobDraft(dialect="gemini", kind=JobKind.GENERATE, model="m", file_id=file)
        await ended(house, await house.jobs.create(TENANT, draft))
        found = await estimated(house, b"\n".join([line(20, most=100)] * 640))
        assert found.output_tokens_likely == 4 * 640
        assert found.likely_s == pytest.approx(5 * 2, rel=0.5), "640 by 64 at once, a second each"
        assert found.cost_most_nanos is None, "nothing has a price"
        await house.stop()

    run(main)


def test_wrong_lines_are_counted_and_none_but_wrong_ones_refused(tmp_path: Path) -> None:
    async def main() -> None:
        house = await house_of(tmp_path, {})
        found = await estimated(house, b"\n".join([line(500), b"{}", line(500)] * 1000))
        assert found.wrong / found.sampled == pytest.approx(1 / 3, abs=0.1), "though short ones"
        assert found.prompt_tokens == pytest.approx(500 * 2000, rel=0.2)
        for content in (b"", b"{}\n{}\n"):
            with pytest.raises(InvalidArgument, match="no good line"):
                await estimated(house, content)
        with pytest.raises(PermissionDenied):
            await house.estimates.of("other", "nothing", "m", JobKind.GENERATE, "gemini")
        await house.stop()

    run(main)


def test_a_model_that_nothing_serves_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        settings = Settings(data=str(tmp_path), models_dir=str(tmp_path))
        house = House(settings, clock=VirtualClock(), lanes=Lanes.inline())
        file = await upload(house, line(1))
        with pytest.raises(NotFound, match="not served"):
            await house.estimates.of(TENANT, file, "nobody-has-this", JobKind.GENERATE, "gemini")
        await house.stop()

    run(main)
