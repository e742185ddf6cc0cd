"""Which trouble is tried again, when, and what it costs.

An attempt is charged when the trouble may be the request's own doing. A door that is closed (BUSY), a key
the operator must mend (OPERATOR) and an engine that died with many calls in flight (DIED, see `alone`) are
not. Full jitter after AWS's "Exponential Backoff and Jitter": the wait is uniform in (0, base * 2^n].
"""

import msgspec

from backburner.core.exchange import Trouble, TroubleKind
from backburner.core.limits import ATTEMPTS, RETRY_BASE_S, RETRY_CAP_S

OPERATOR_WAIT_S = 15.0
FREE_DEATHS = 2  # deaths beside others that cost nothing; after them a suspect runs alone


class Tries(msgspec.Struct, frozen=True):
    """What a request has been through: attempts charged to it, attempts in all, engines that died under it."""

    charged: int = 0
    total: int = 0
    deaths: int = 0

    @property
    def alone(self) -> bool:
        """A suspect: it was in flight at `FREE_DEATHS` deaths, so the next time nothing else shall be."""
        return self.deaths >= FREE_DEATHS

    @property
    def spent(self) -> bool:
        """Charged so often that it may not go again."""
        return self.charged >= ATTEMPTS


class Retry(msgspec.Struct, frozen=True):
    """Try again in `wait_s` seconds, with this on its record."""

    wait_s: float
    tries: Tries


class GiveUp(msgspec.Struct, frozen=True):
    """The trouble becomes the outcome."""

    tries: Tries


def interrupted(times: int) -> Tries:
    """The record of a request that was in flight `times` times when the whole service went down. The first
    are free, as with an engine. From then on it ran alone, and each one is charged: but only charged, because
    an operator's kill looks the same as a request that takes the service with it."""
    return Tries(charged=max(0, times - FREE_DEATHS), total=times, deaths=times)


def after(trouble: Trouble, tries: Tries, chance: float, *, elsewhere: bool = False) -> Retry | GiveUp:
    """`tries` before this trouble; `chance` is uniform in [0, 1). `elsewhere`: there is another engine to go to, so
    what this one is in need of is nothing to wait for."""
    charged = trouble.kind in (TroubleKind.TRANSIENT, TroubleKind.TIMEOUT, TroubleKind.REQUEST) or (
        trouble.kind is TroubleKind.DIED and tries.alone
    )
    now = Tries(tries.charged + charged, tries.total + 1, tries.deaths + (trouble.kind is TroubleKind.DIED))
    if trouble.kind is TroubleKind.REQUEST:
        return GiveUp(now)
    if trouble.kind is TroubleKind.DIED:
        return GiveUp(now) if charged else Retry(0.0, now)
    if charged and now.spent:
        return GiveUp(now)
    if elsewhere and trouble.kind in (TroubleKind.OPERATOR, TroubleKind.BUSY):
        return Retry(0.0, now)
    if trouble.kind is TroubleKind.OPERATOR:
        return Retry(OPERATOR_WAIT_S, now)
    if trouble.retry_after_s is not None:
        return Retry(trouble.retry_after_s, now)
    ceiling = min(RETRY_CAP_S, RETRY_BASE_S * 2 ** min(now.total - 1, 16))
    return Retry(ceiling * (1.0 - chance), now)
