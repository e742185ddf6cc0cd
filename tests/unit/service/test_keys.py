from pathlib import Path

import pytest

from backburner.core.errors import InvalidArgument, NotFound, Unauthenticated
from backburner.core.lanes import Lanes
from backburner.service.keys import DEFAULT_TENANT, KeyService
from backburner.store.keys import Keys
from backburner.store.stores import Stores
from tests.doubles.virtual_time import VirtualClock, virtually


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path)


@pytest.fixture
def keys(stores: Stores, clock: VirtualClock) -> KeyService:
    return KeyService(clock, stores.keys, Lanes.inline())


@virtually
async def test_without_any_key_everyone_is_the_one_tenant(keys: KeyService) -> None:
    assert not keys.required
    for shown in (None, "", "whatever an SDK insists on sending"):
        assert (await keys.asker(shown)).tenant == DEFAULT_TENANT


@virtually
async def test_a_key_speaks_for_its_tenant_and_only_a_known_one_does(keys: KeyService) -> None:
    _, first = await keys.create("research", "laptop")
    _, second = await keys.create("sales", "")
    assert keys.required
    assert (await keys.asker(first)).tenant == "research"
    assert (await keys.asker(second)).tenant == "sales"
    for wrong in ("x", first[:-1], first + " ", first.upper()):
        with pytest.raises(Unauthenticated) as refused:
            await keys.asker(wrong)
        assert refused.value.reason == "KEY_INVALID"
        assert wrong not in refused.value.message
    for missing in (None, ""):
        with pytest.raises(Unauthenticated) as refused:
            await keys.asker(missing)
        assert refused.value.reason == "KEY_MISSING"


@virtually
async def test_a_revoked_key_is_refused_at_once_and_revoking_the_last_opens_nothing(keys: KeyService) -> None:
    row, key = await keys.create("research", "laptop")
    revoked = await keys.revoke(row.id)
    assert revoked.revoked_at is not None
    assert await keys.revoke(row.hint) == revoked, "twice is harmless, and by how it starts too"
    assert keys.required
    for shown in (key, None):
        with pytest.raises(Unauthenticated):
            await keys.asker(shown)
    with pytest.raises(NotFound):
        await keys.revoke("nothing")


@virtually
async def test_a_key_made_beside_a_running_service_is_known_at_once(
    keys: KeyService, stores: Stores, clock: VirtualClock
) -> None:
    beside = KeyService(clock, Keys(stores.catalog), Lanes.inline())
    row, key = await beside.create("research", "")
    assert keys.required
    assert (await keys.asker(key)).tenant == "research"
    await beside.revoke(row.id)
    with pytest.raises(Unauthenticated):
        await keys.asker(key)


@virtually
async def test_a_key_is_shown_once_and_nowhere_kept(keys: KeyService, tmp_path: Path) -> None:
    row, key = await keys.create("research", "laptop")
    assert key.startswith(row.hint)
    assert len(key) - len(row.hint) >= 32
    assert await keys.list() == [row]
    for path in tmp_path.glob("catalog.db*"):
        assert key.encode() not in path.read_bytes()


@pytest.mark.parametrize("tenant", ["", " ", "a b", "../x", "a/b", "a'b"])
@virtually
async def test_a_tenant_has_a_plain_name(keys: KeyService, tenant: str) -> None:
    with pytest.raises(InvalidArgument, match="is not allowed"):
        await keys.create(tenant, "")
    assert not keys.required
