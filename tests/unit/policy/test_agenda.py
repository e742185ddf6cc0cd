import random

from backburner.policy.agenda import SLACK_S, Agenda, Offer

A = ("e", "a")
HOUR = 3600.0


def offer(job: str, work_s: float, deadline_at: float = 24 * HOUR, **changes: object) -> Offer:
    given = {"tenant": "t", "lanes": (A,), "ready": 9, "created_at": 0.0, **changes}
    return Offer(job=job, work_s=work_s, deadline_at=deadline_at, **given)  # type: ignore[arg-type]


def order(offers: list[Offer], slots: float = 1.0) -> list[str]:
    agenda = Agenda()
    for one in offers:
        agenda.put(one)
    agenda.weigh(0.0, {A: slots}, lambda tenant: 1.0)
    return [one.job for one in sorted(offers, key=lambda x: agenda.ahead(x.job))]


def test_the_shortest_goes_first_while_every_deadline_is_made() -> None:
    assert order([offer("long", 20 * HOUR), offer("short", 60.0)]) == ["short", "long"]


def test_the_earliest_deadline_goes_first_where_the_shortest_would_make_another_late() -> None:
    urgent, short = offer("urgent", 5 * HOUR, 6 * HOUR), offer("short", 2 * HOUR)
    assert order([urgent, short]) == ["urgent", "short"]
    assert order([urgent, short], slots=2.0) == ["short", "urgent"], "with two slots both are in time"


def test_a_job_that_is_too_late_anyway_makes_nobody_wait() -> None:
    hopeless, short = offer("hopeless", 100 * HOUR), offer("short", 60.0, 30 * HOUR)
    assert order([hopeless, short]) == ["short", "hopeless"]
    urgent, other = offer("urgent", 5 * HOUR, 6 * HOUR), offer("other", 2 * HOUR)
    assert order([hopeless, urgent, other]) == ["urgent", "other", "hopeless"]


def test_priority_stands_above_deadlines() -> None:
    urgent, vip = offer("urgent", 5 * HOUR, 6 * HOUR), offer("vip", 2 * HOUR, priority=1)
    assert order([urgent, vip]) == ["vip", "urgent"]


def test_jobs_of_about_the_same_size_keep_the_order_of_their_creation() -> None:
    """Else two of them would take turns, and each find the other's prefixes in the engine's cache."""
    assert order([offer("b", 100.0, created_at=2.0), offer("a", 101.0, created_at=1.0)]) == ["a", "b"]


def test_the_order_is_for_the_short_again_once_there_is_slack() -> None:
    agenda = Agenda()
    for one in (offer("urgent", 5 * HOUR, 6 * HOUR), offer("short", 2 * HOUR)):
        agenda.put(one)
    agenda.weigh(0.0, {A: 1.0}, lambda tenant: 1.0)
    assert agenda.ahead("urgent") == 0
    agenda.put(offer("urgent", 1 * HOUR, 6 * HOUR))
    agenda.put(offer("short", 0.5 * HOUR))
    agenda.weigh(SLACK_S, {A: 1.0}, lambda tenant: 1.0)
    assert agenda.ahead("short") == 0


def test_whatever_happens_to_offers_the_order_is_that_of_a_fresh_one() -> None:
    chance = random.Random(1)
    agenda, now = Agenda(), {}
    for turn in range(2000):
        job = f"j{chance.randrange(30)}"
        if chance.random() < 0.3:
            agenda.drop(job)
            now.pop(job, None)
        else:
            tenant = chance.choice("ab")
            now[job] = offer(
                job, chance.uniform(0, 100), chance.uniform(0, 900), tenant=tenant, canaries=turn % 3
            )
            agenda.put(now[job])
        agenda.weigh(turn * SLACK_S / 3, {A: 4.0}, lambda tenant: 1.0)
    found = [queue.get(place) for queue in agenda.queues() for place in range(len(queue))]
    assert sorted(one.job for one in found if one is not None) == sorted(now)
    for queue in agenda.queues():
        oldest = min(
            (x for x in now.values() if x.tenant == queue.tenant and x.canaries), key=lambda x: x.job
        )
        canary = queue.canary()
        assert canary is not None and canary.job == oldest.job
    for job in list(now):
        agenda.drop(job)
    assert list(agenda.queues()) == []
