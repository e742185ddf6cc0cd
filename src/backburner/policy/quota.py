"""How much a tenant may have at once, or in a time; 0 stands for no bound.

Pure: how much there is comes from outside. A refusal names the quota, how much of it is used, and when to come again.
"""

import msgspec

DAY_S = 86400.0
MINUTE_S = 60.0
MEGABYTE = 1_000_000


class Quota(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`queued_requests`: requests of jobs that have no outcome yet. `tokens_per_day`: prompt and answers together,
    the day begins at midnight UTC. `storage_mb`: uploads and results. `calls_per_minute`: calls that somebody waits for
    and creations of jobs."""

    queued_requests: int = 0
    tokens_per_day: int = 0
    storage_mb: float = 0.0
    calls_per_minute: float = 0.0


class Exceeded(msgspec.Struct, frozen=True):
    """`quota` is the name of the setting; `retry_after_s` None where only its owner can make room."""

    quota: str
    words: str
    retry_after_s: float | None


def storage(quota: Quota, used_bytes: int, more_bytes: int) -> Exceeded | None:
    if not quota.storage_mb or used_bytes + more_bytes <= quota.storage_mb * MEGABYTE:
        return None
    used = f"{used_bytes / MEGABYTE:,.1f} MB are in use"
    more = f", {more_bytes / MEGABYTE:,.1f} MB are to come" if more_bytes else ""
    words = f"storage_mb is {quota.storage_mb:,g}, {used}{more}; delete files or jobs"
    return Exceeded("storage_mb", words, None)


def queued(quota: Quota, pending: int, more: int, wait_s: float) -> Exceeded | None:
    """`wait_s` is a guess at how long it takes until some are answered."""
    if not quota.queued_requests or pending + more <= quota.queued_requests:
        return None
    coming = f", {more:,} are to come" if more else ""
    words = (
        f"queued_requests is {quota.queued_requests:,}, {pending:,} requests wait for their answer{coming}"
    )
    return Exceeded("queued_requests", words, wait_s)


def tokens(quota: Quota, used: int, now: float) -> Exceeded | None:
    """`now` is wall time: the next day begins at midnight UTC."""
    if not quota.tokens_per_day or used < quota.tokens_per_day:
        return None
    words = f"tokens_per_day is {quota.tokens_per_day:,}, {used:,} were used today (UTC)"
    return Exceeded("tokens_per_day", words, DAY_S - now % DAY_S)


def calls_left(left: int, flying: int, typical: float, unknown: int) -> int:
    """How many more calls may begin when `left` tokens are left and `flying` calls are under way, `typical` tokens
    each; up to `unknown` calls at once while that is not known."""
    if not typical:
        return max(0, unknown - flying)
    return max(0, -int(-left // typical) - flying)


class Bucket:
    """A token bucket that holds a minute's worth: who was quiet for a minute may use it all at once. Instants are a
    monotonic clock's."""

    def __init__(self, per_minute: float, now: float) -> None:
        self._rate = per_minute / MINUTE_S
        self._most = max(1.0, per_minute)
        self._left = self._most
        self._at = now

    def take(self, now: float) -> float:
        """0 when one may go, else the seconds until one may."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) / self._rate
