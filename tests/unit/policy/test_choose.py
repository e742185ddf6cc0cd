from collections import Counter
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from backburner.policy.agenda import Agenda, Offer
from backburner.policy.choose import choose
from backburner.policy.share import Lane, Shares

A, B = ("e", "a"), ("e", "b")


def offer(job: str, **changes: object) -> Offer:
    given = {
        "tenant": "t",
        "lanes": (A,),
        "ready": 100,
        "work_s": 100.0,
        "created_at": 1.0,
        **changes,
    }
    return Offer(job=job, **given)  # type: ignore[arg-type]


def chosen(
    offers: Sequence[Offer],
    room: Mapping[Lane, int],
    served: Mapping[str, float] | None = None,
    weights: Mapping[str, float] | None = None,
    canary_room: Mapping[Lane, int] | None = None,
) -> dict[str, int]:
    """By job. Everyone was there from the start and was given `served` tokens over their weight."""
    agenda, shares = Agenda(), Shares(lambda tenant: (weights or {}).get(tenant, 1.0))
    for one in offers:
        shares.join(one.job, one.tenant, one.lanes)
    for tenant, lane in {(one.tenant, lane) for one in offers for lane in one.lanes}:
        shares.charge(lane, tenant, (served or {}).get(tenant, 0.0) * shares.weight(tenant))
    for one in offers:
        agenda.put(one)
    picks = choose(agenda, room, shares, canary_room)
    assert len({pick.job for pick in picks}) == len(picks)
    return {pick.job: pick.count for pick in picks}


def test_nothing_to_do_is_nothing() -> None:
    assert chosen([], {A: 5}) == {}
    assert chosen([offer("j")], {}) == {}
    assert chosen([offer("j", ready=0)], {A: 5}) == {}


def test_one_job_takes_all_the_room() -> None:
    assert chosen([offer("j", ready=100)], {A: 5}) == {"j": 5}
    assert chosen([offer("j", ready=3)], {A: 5}) == {"j": 3}


def test_the_tenant_that_was_given_least_goes_first() -> None:
    offers = [offer("x", tenant="fed"), offer("y", tenant="hungry")]
    assert chosen(offers, {A: 5}, {"fed": 100.0, "hungry": 1.0}) == {"y": 5}


def test_tenants_that_were_given_the_same_share_alike() -> None:
    offers = [offer("x", tenant="one"), offer("y", tenant="two")]
    assert chosen(offers, {A: 10}) == {"x": 5, "y": 5}


def test_a_weight_of_three_is_three_times_as_much() -> None:
    offers = [offer("x", tenant="one"), offer("y", tenant="two")]
    assert chosen(offers, {A: 40}, {}, {"one": 3.0}) == {"x": 30, "y": 10}


def test_a_tenant_with_many_jobs_gets_no_more_than_one_with_one() -> None:
    offers = [offer(f"x{n}", tenant="many") for n in range(9)] + [offer("y", tenant="one")]
    found = chosen(offers, {A: 10})
    assert found["y"] == 5


def test_a_tenant_leaves_what_it_cannot_use_to_the_others() -> None:
    offers = [offer("x", tenant="one", ready=2), offer("y", tenant="two")]
    assert chosen(offers, {A: 10}) == {"x": 2, "y": 8}


def test_inside_a_tenant_priority_comes_first() -> None:
    offers = [offer("low", work_s=1.0), offer("high", priority=1, work_s=1e6)]
    assert chosen(offers, {A: 5}) == {"high": 5}


def test_a_job_of_twenty_lines_does_not_wait_behind_two_million() -> None:
    offers = [offer("long", work_s=2e6, created_at=0.0), offer("short", ready=20, work_s=20.0)]
    assert chosen(offers, {A: 64}) == {"long": 44, "short": 20}


def test_of_equal_jobs_the_older_goes_first() -> None:
    offers = [offer("young", created_at=2.0), offer("old", created_at=1.0)]
    assert chosen(offers, {A: 5}) == {"old": 5}


def test_a_full_lane_holds_up_nobody_elses() -> None:
    offers = [offer("first", priority=9), offer("second", lanes=(B,))]
    assert chosen(offers, {A: 0, B: 3}) == {"second": 3}


def test_the_same_snapshot_gives_the_same_picks() -> None:
    offers = [offer(f"j{n}", tenant=f"t{n % 3}") for n in range(9)]
    assert chosen(offers, {A: 10}) == chosen(offers[::-1], {A: 10})


lanes = st.sampled_from([A, B, ("f", "a")])
offers_of_all_kinds = st.lists(
    st.builds(
        Offer,
        job=st.uuids().map(str),
        tenant=st.sampled_from("abc"),
        lanes=lanes.map(lambda lane: (lane,)),
        ready=st.integers(0, 12),
        work_s=st.floats(0, 100),
        priority=st.integers(-1, 1),
        created_at=st.sampled_from([1.0, 2.0]),
    ),
    max_size=8,
    unique_by=lambda x: x.job,
)


@given(
    offers_of_all_kinds,
    st.dictionaries(lanes, st.integers(0, 20)),
    st.dictionaries(st.sampled_from("abc"), st.floats(0, 50)),
    st.dictionaries(st.sampled_from("abc"), st.floats(0.1, 10)),
)
def test_never_more_than_room_never_more_than_ready_and_no_slot_idle_that_could_work(
    offers: list[Offer],
    room: dict[tuple[str, str], int],
    served: dict[str, float],
    weights: dict[str, float],
) -> None:
    picks = chosen(offers, room, served, weights)
    by_job = {x.job: x for x in offers}
    used: Counter[Lane] = Counter()
    ready: Counter[Lane] = Counter()
    for job, count in picks.items():
        assert 1 <= count <= by_job[job].ready
        used[by_job[job].lanes[0]] += count
    for one in offers:
        ready[one.lanes[0]] += one.ready
    for lane, wanted in ready.items():
        assert used[lane] == min(wanted, room.get(lane, 0))


@given(st.integers(1, 60), st.dictionaries(st.sampled_from("abcd"), st.integers(0, 30), min_size=2))
def test_no_tenant_gets_two_more_than_another_that_still_wants(room: int, served: dict[str, int]) -> None:
    """Max-min fairness, served included: who was given more while another waits started from more."""
    offers = [offer(tenant, tenant=tenant, ready=1000) for tenant in served]
    found = chosen(offers, {A: room}, {t: float(n) for t, n in served.items()})
    after = {tenant: before + found.get(tenant, 0) for tenant, before in served.items()}
    for tenant in found:
        assert after[tenant] <= min(after.values()) + 1


def test_a_job_that_two_engines_serve_has_the_room_of_both() -> None:
    offers = [offer("both", lanes=(A, B)), offer("one", tenant="u", lanes=(A,))]
    found = chosen(offers, {A: 4, B: 4})
    assert found["both"] + found["one"] == 8
    assert found["one"] >= 2


def test_requests_count_by_what_they_cost() -> None:
    offers = [offer("long", tenant="one", cost=300.0), offer("short", tenant="two", cost=100.0)]
    assert chosen(offers, {A: 40}) == {"long": 10, "short": 30}


def test_canaries_go_first_of_one_job_per_tenant_and_the_least_served_tenant_is_first() -> None:
    offers = [
        *[offer(f"x{n}", tenant="many", ready=4, canaries=4, created_at=n, work_s=1.0) for n in range(9)],
        offer("y", tenant="one", canaries=10, created_at=99.0, work_s=1e6),
    ]
    assert chosen(offers, {A: 6}, {"many": 1e6}, canary_room={A: 6}) == {"y": 6}
    assert chosen(offers, {A: 5}, {"one": 1e6}, canary_room={A: 3}) == {"x0": 4, "x1": 1}
