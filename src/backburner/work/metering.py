"""What each tenant and key used, as answers come in: kept in memory, and in the catalog every few seconds.

So a crash may forget the last FLUSH_S seconds of it. What a job used is not forgotten: its ledger has that.
"""

import logging
from collections import defaultdict

from backburner.core.clock import Clock, rfc3339
from backburner.core.errors import DiskFull
from backburner.core.lanes import Lanes
from backburner.core.request import Usage
from backburner.policy.price import Prices, cost_nanos
from backburner.store.spend import SpendPlace, Spent
from backburner.store.stores import Stores

log = logging.getLogger("backburner.work")

FLUSH_S = 2.0


class Metering:
    """`start` before anything else: it reads what the catalog has, once, so that from then on memory knows it all."""

    def __init__(self, clock: Clock, stores: Stores, lanes: Lanes, prices: Prices) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._prices = prices
        self._fresh: defaultdict[SpendPlace, Spent] = defaultdict(Spent)  # not in the catalog yet
        self._keys: defaultdict[str, Spent] = defaultdict(Spent)
        self._day = ""
        self._tenants: defaultdict[str, Spent] = defaultdict(Spent)  # of `_day`

    async def start(self) -> None:
        self._day = self._today()
        self._keys.update(await self._lanes.read.run(self._stores.spend.by_key))
        self._tenants.update(await self._lanes.read.run(self._stores.spend.of_day, self._day))

    def add(
        self, tenant: str, key: str, lane: tuple[str, str], usage: Usage, calls: int, *, batch: bool
    ) -> None:
        """`calls` answers of one engine and model took `usage` together; `key` is the id of the API key, empty
        without one."""
        nanos = cost_nanos(self._prices.of(*lane), usage, batch=batch)
        spent = Spent(calls, usage.prompt, usage.cached, usage.output, nanos)
        self._turn()
        self._fresh[SpendPlace(tenant, self._day, key, *lane)] += spent
        self._keys[key] += spent
        self._tenants[tenant] += spent

    def of_key(self, key: str) -> Spent:
        """All that was ever spent with a key."""
        return self._keys.get(key, Spent())

    def of_today(self, tenant: str) -> Spent:
        """Since midnight UTC."""
        self._turn()
        return self._tenants.get(tenant, Spent())

    def _turn(self) -> None:
        """A new day begins with nothing."""
        if (today := self._today()) != self._day:
            self._day = today
            self._tenants.clear()

    def _today(self) -> str:
        return rfc3339(self._clock.now())[:10]

    async def loop(self) -> None:
        while True:
            await self._clock.sleep(FLUSH_S)
            try:
                await self.flush()
            except DiskFull:
                continue  # tried again in the next round
            except Exception:  # the edge of a loop: it must stop no answer
                log.exception("event=metering_broken")

    async def flush(self) -> None:
        if not self._fresh:
            return
        more, self._fresh = self._fresh, defaultdict(Spent)
        try:
            await self._lanes.write.run(self._stores.spend.add, more)
        except BaseException:  # kept for the next time
            for at, spent in more.items():
                self._fresh[at] += spent
            raise
