"""Tenants take turns."""

from backburner.work.rotation import Rotation


def test_who_puts_in_one_thing_waits_for_one_of_each_other() -> None:
    rotation = Rotation[str]()
    for number in range(1000):
        rotation.put("big", f"big {number}")
    for tenant in ("small", "other"):
        rotation.put(tenant, tenant)
    assert [rotation.take() for _ in range(5)] == ["big 0", "small", "other", "big 1", "big 2"]
    rotation.put("small", "small again")
    assert [rotation.take() for _ in range(3)] == ["big 3", "small again", "big 4"]


def test_nothing_is_lost_and_each_tenant_s_things_keep_their_order() -> None:
    rotation = Rotation[tuple[str, int]]()
    for number in range(30):
        rotation.put("abc"[number % 3], ("abc"[number % 3], number))
    taken = []
    while (item := rotation.take()) is not None:
        taken.append(item)
    assert len(taken) == 30
    assert all(
        [n for t, n in taken if t == tenant] == sorted(n for t, n in taken if t == tenant) for tenant in "abc"
    )
