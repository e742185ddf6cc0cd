"""What each tenant was given, so that the one with least by weight goes next.

After VTC (arXiv 2401.00588): a counter of tokens per tenant over its weight. Who comes new, or comes back, is lifted
to the least of those who were there all along: idle time is not saved up, and nobody who waited for long is pushed
aside by one who starts at nothing. One set of counters per lane, because tokens of a small model and of a large one
are not the same thing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

Lane = tuple[str, str]


class Served:
    """Of one lane. A tenant takes part while at least one job of its does; only then, and for as long as it is ahead
    of the others, is its counter kept."""

    def __init__(self, weight: Callable[[str], float]) -> None:
        self._weight = weight
        self._given: dict[str, float] = {}
        self._jobs: Counter[str] = Counter()

    def join(self, tenant: str) -> None:
        """One more job of a tenant wants calls on this lane."""
        if not self._jobs[tenant]:
            least = min((self._given[other] for other, jobs in self._jobs.items() if jobs), default=0.0)
            self._given[tenant] = max(self._given.get(tenant, 0.0), least)
        self._jobs[tenant] += 1

    def part(self, tenant: str) -> None:
        """One job less."""
        self._jobs[tenant] -= 1
        if self._jobs[tenant] > 0:
            return
        del self._jobs[tenant]
        least = min((self._given[other] for other in self._jobs), default=float("inf"))
        self._given = {name: n for name, n in self._given.items() if name in self._jobs or n > least}

    def charge(self, tenant: str, tokens: float) -> None:
        """`tokens` below 0 give back what was charged too much."""
        if tenant in self._given:
            self._given[tenant] += tokens / self._weight(tenant)

    def of(self, tenant: str) -> float:
        return self._given.get(tenant, 0.0)

    @property
    def tenants(self) -> frozenset[str]:
        """Those that a counter is kept of."""
        return frozenset(self._given)


class Shares:
    """The counters of all lanes. A job that can run on several lanes is on the books of each."""

    def __init__(self, weight: Callable[[str], float] = lambda tenant: 1.0) -> None:
        self.weight = weight
        self._lanes: defaultdict[Lane, Served] = defaultdict(lambda: Served(self.weight))
        self._jobs: dict[str, tuple[str, tuple[Lane, ...]]] = {}

    def join(self, job: str, tenant: str, lanes: tuple[Lane, ...]) -> None:
        """A job wants calls on these lanes. Again with the same ones changes nothing."""
        if self._jobs.get(job) == (tenant, lanes):
            return
        self.part(job)
        self._jobs[job] = (tenant, lanes)
        for lane in lanes:
            self._lanes[lane].join(tenant)

    def part(self, job: str) -> None:
        """It wants none any more."""
        tenant, lanes = self._jobs.pop(job, ("", ()))
        for lane in lanes:
            self._lanes[lane].part(tenant)

    def charge(self, lane: Lane, tenant: str, tokens: float) -> None:
        self._lanes[lane].charge(tenant, tokens)

    def of(self, tenant: str, lanes: Iterable[Lane]) -> float:
        """What a tenant was given on some lanes together, over its weight."""
        given = 0.0
        for lane in lanes:  # no generator: asked for every tenant each time that a slot is free
            given += self._lanes[lane].of(tenant)
        return given

    def tenants(self, lane: Lane) -> frozenset[str]:
        return self._lanes[lane].tenants
