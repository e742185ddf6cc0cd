from pathlib import Path

import pytest

from backburner.core.errors import InvalidArgument, PermissionDenied
from backburner.core.lanes import Lanes
from backburner.core.limits import CACHE_TTL_S, DISPLAY_NAME_CHARS
from backburner.service.caches import CacheService
from backburner.store.jobs import Pin
from backburner.store.stores import Stores
from backburner.work.space import Space
from tests.doubles.virtual_time import VirtualClock, virtually

BODY = {"contents": [{"parts": [{"text": "a long story"}]}]}


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path)


@pytest.fixture
def caches(stores: Stores, clock: VirtualClock) -> CacheService:
    return CacheService(clock, stores, Lanes.inline(), Space(clock, stores.disk, 0))


@virtually
async def test_a_cache_lives_an_hour_unless_told_otherwise(caches: CacheService, clock: VirtualClock) -> None:
    row = await caches.create("t", model="m", body=BODY, display_name="story", tokens=3)
    assert row == await caches.get("t", row.id)
    assert (row.body, row.tokens, row.display_name) == (BODY, 3, "story")
    assert row.expire_at == clock.now() + CACHE_TTL_S
    for ttl_s, expire_at in ((5.0, None), (None, clock.now() + 5)):
        row = await caches.create("t", model="m", body=BODY, ttl_s=ttl_s, expire_at=expire_at)
        assert row.expire_at == clock.now() + 5


@virtually
async def test_an_expired_cache_is_gone_for_callers_and_kept_for_the_job_that_pins_it(
    caches: CacheService, stores: Stores, clock: VirtualClock
) -> None:
    row = await caches.create("t", model="m", body=BODY, ttl_s=10)
    stores.jobs.pin("j", [Pin("cache", row.id)])
    await clock.sleep(9)
    await caches.get("t", row.id)
    await clock.sleep(1)
    for ask in (caches.get("t", row.id), caches.delete("t", row.id)):
        with pytest.raises(PermissionDenied) as refused:
            await ask
        assert refused.value.reason == "CACHE_NOT_FOUND"
    with pytest.raises(PermissionDenied):
        await caches.update("t", row.id, ttl_s=100, expire_at=None)
    assert (await caches.list("t", None, None)).items == []
    assert stores.caches.purge(clock.now()) == 0
    assert stores.caches.get("t", row.id) is not None


@virtually
async def test_only_the_expiry_may_change(caches: CacheService, clock: VirtualClock) -> None:
    row = await caches.create("t", model="m", body=BODY, ttl_s=10)
    await clock.sleep(5)
    longer = await caches.update("t", row.id, ttl_s=100, expire_at=None)
    assert (longer.expire_at, longer.updated_at, longer.created_at) == (
        clock.now() + 100,
        clock.now(),
        row.created_at,
    )
    sooner = await caches.update("t", row.id, ttl_s=None, expire_at=clock.now() + 1)
    assert sooner.expire_at == clock.now() + 1
    with pytest.raises(InvalidArgument, match="only the expiry"):
        await caches.update("t", row.id, ttl_s=None, expire_at=None)


@pytest.mark.parametrize(("ttl_s", "ago_s"), [(0.0, None), (-5.0, None), (None, 0.0), (None, 100.0)])
@virtually
async def test_an_expiry_in_the_past_is_refused(
    caches: CacheService, clock: VirtualClock, ttl_s: float | None, ago_s: float | None
) -> None:
    expire_at = None if ago_s is None else clock.now() - ago_s
    row = await caches.create("t", model="m", body=BODY)
    for ask in (
        caches.create("t", model="m", body=BODY, ttl_s=ttl_s, expire_at=expire_at),
        caches.update("t", row.id, ttl_s=ttl_s, expire_at=expire_at),
    ):
        with pytest.raises(InvalidArgument, match="expiry is in the past"):
            await ask
    assert (await caches.get("t", row.id)).expire_at == row.expire_at


@virtually
async def test_a_deleted_cache_is_gone_at_once(caches: CacheService) -> None:
    row = await caches.create("t", model="m", body=BODY)
    await caches.delete("t", row.id)
    with pytest.raises(PermissionDenied):
        await caches.get("t", row.id)


@virtually
async def test_a_tenant_does_not_see_anothers(caches: CacheService) -> None:
    row = await caches.create("one", model="m", body=BODY)
    for ask in (caches.get("two", row.id), caches.delete("two", row.id)):
        with pytest.raises(PermissionDenied):
            await ask
    assert (await caches.list("two", None, None)).items == []
    assert (await caches.get("one", row.id)) == row


@virtually
async def test_a_name_that_is_too_long_is_refused(caches: CacheService) -> None:
    with pytest.raises(InvalidArgument, match="display name is too long"):
        await caches.create("t", model="m", body=BODY, display_name="x" * (DISPLAY_NAME_CHARS + 1))
