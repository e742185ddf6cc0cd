"""What tenants and keys used: known at once, and after a restart."""

from contextlib import suppress
from pathlib import Path

from backburner.core.lanes import Lanes
from backburner.core.request import Usage
from backburner.policy.price import Price, Prices
from backburner.store.spend import SpendPlace, Spent
from backburner.store.stores import Stores
from backburner.work.metering import Metering
from tests.doubles.virtual_time import VirtualClock, virtually

PRICES = Prices({"e/*": Price(input=1.0, output=2.0, batch_discount=0.5)})
ONE = Usage(prompt=1_000_000, output=500_000)


async def opened(folder: Path, clock: VirtualClock) -> tuple[Stores, Metering]:
    stores = Stores(folder)
    metering = Metering(clock, stores, Lanes.inline(), PRICES)
    await metering.start()
    return stores, metering


@virtually
async def test_it_is_known_at_once_and_still_after_a_restart(tmp_path: Path, clock: VirtualClock) -> None:
    stores, metering = await opened(tmp_path, clock)
    metering.add("t", "k1", ("e", "m"), ONE, 3, batch=True)
    metering.add("t", "k2", ("e", "m"), ONE, 1, batch=False)
    metering.add("u", "", ("free", "m"), ONE, 1, batch=False)
    once = Spent(3, 1_000_000, 0, 500_000, 1_000_000_000)
    assert metering.of_key("k1") == once
    assert metering.of_today("t") == Spent(4, 2_000_000, 0, 1_000_000, 3_000_000_000)
    assert metering.of_today("u").nanos == 0
    await metering.flush()
    metering.add("t", "k1", ("e", "m"), ONE, 3, batch=True)
    await metering.flush()
    stores.close()

    stores, again = await opened(tmp_path, clock)
    assert again.of_key("k1") == once + once
    assert again.of_today("t").calls == 7
    assert [at.key for at, _ in stores.spend.rows("t", "2000-01-01")] == ["k1", "k2"]
    stores.close()


@virtually
async def test_the_day_turns_at_midnight_and_keys_keep_their_sum(tmp_path: Path, clock: VirtualClock) -> None:
    stores, metering = await opened(tmp_path, clock)
    metering.add("t", "k", ("e", "m"), ONE, 1, batch=False)
    clock.skew_s += 86_400
    assert metering.of_today("t") == Spent()
    metering.add("t", "k", ("e", "m"), ONE, 1, batch=False)
    assert metering.of_today("t").calls == 1
    assert metering.of_key("k").calls == 2
    await metering.flush()
    days = [at.day for at, _ in stores.spend.rows("t", "2000-01-01")]
    assert len(set(days)) == 2
    assert days == sorted(days, reverse=True)
    stores.close()


@virtually
async def test_what_could_not_be_written_is_written_the_next_time(
    tmp_path: Path, clock: VirtualClock
) -> None:
    stores, metering = await opened(tmp_path, clock)
    metering.add("t", "k", ("e", "m"), ONE, 1, batch=False)
    real, failed = stores.spend.add, []

    def full(more: dict[SpendPlace, Spent]) -> None:
        failed.append(more)
        raise OSError("no space left on device")

    stores.spend.add = full  # type: ignore[method-assign]
    with suppress(OSError):
        await metering.flush()
    stores.spend.add = real  # type: ignore[method-assign]
    metering.add("t", "k", ("e", "m"), ONE, 1, batch=False)
    await metering.flush()
    assert failed
    assert stores.spend.by_key()["k"].calls == 2
    stores.close()
