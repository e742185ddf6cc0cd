from backburner.policy.share import Served, Shares

A, B = ("e", "a"), ("e", "b")


def served(**weights: float) -> Served:
    return Served(lambda tenant: weights.get(tenant, 1.0))


def test_who_comes_new_starts_where_the_least_served_stands() -> None:
    one = served()
    for tenant in ("old", "older"):
        one.join(tenant)
    one.charge("old", 500)
    one.charge("older", 900)
    one.join("new")
    assert one.of("new") == 500


def test_idle_time_is_not_saved_up_and_what_was_taken_is_not_forgotten() -> None:
    one = served()
    one.join("steady")
    one.join("guest")
    one.charge("guest", 1000)
    one.part("guest")
    one.join("guest")
    assert one.of("guest") == 1000, "ahead of the others, so it waits for them"
    one.part("guest")
    one.charge("steady", 5000)
    one.join("guest")
    assert one.of("guest") == 5000


def test_tokens_count_by_weight() -> None:
    one = served(heavy=4.0)
    one.join("heavy")
    one.charge("heavy", 100)
    assert one.of("heavy") == 25


def test_only_tenants_that_matter_are_kept() -> None:
    one = served()
    one.join("steady")
    one.charge("steady", 10)
    for n in range(1000):
        one.join(f"t{n}")
        one.part(f"t{n}")
    assert one.tenants == {"steady"}
    one.part("steady")
    assert one.tenants == frozenset()


def test_lanes_have_books_of_their_own() -> None:
    """Else whoever embeds for a little would have the large model to itself when it comes there."""
    shares = Shares()
    shares.join("j1", "chats", (A,))
    shares.charge(A, "chats", 10_000)
    shares.join("j2", "embeds", (B,))
    shares.charge(B, "embeds", 10)
    shares.join("j3", "embeds", (A,))
    assert shares.of("embeds", (A,)) == 10_000
    assert shares.of("embeds", (B,)) == 10


def test_a_tenant_parts_with_its_last_job() -> None:
    shares = Shares()
    for job in ("j1", "j2"):
        shares.join(job, "t", (A,))
        shares.join(job, "t", (A,))  # said again: nothing new
    shares.part("j1")
    assert shares.tenants(A) == {"t"}
    shares.part("j2")
    shares.part("j2")
    assert shares.tenants(A) == frozenset()
