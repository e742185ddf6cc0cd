"""What tokens cost, on which engine.

A price is written as hosted APIs print it: for a million tokens, in the currency of the settings. Sums are kept in
whole billionths of that currency (`nanos`), so that they add up to the last digit however many requests there are.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

import msgspec

from backburner.core.request import Usage

NANOS = 1_000_000_000
PER_TOKENS = 1_000_000


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For a million tokens. `cached` is the price of prompt tokens that the engine had in its cache, None for the same
    as any other. `batch_discount` is taken off what a batch costs, 0.5 for half price; whether it is taken off
    cached tokens too is `discount_cached`: hosted services differ in that."""

    input: float = 0.0
    output: float = 0.0
    cached: float | None = None
    batch_discount: float = 0.0
    discount_cached: bool = True


FREE = Price()


class Prices:
    """By `engine/model`, shell style; the first that fits decides, and what none fits costs nothing."""

    def __init__(self, table: Mapping[str, Price]) -> None:
        self._table = dict(table)
        self._found: dict[tuple[str, str], Price] = {}

    def __bool__(self) -> bool:
        """Whether anything has a price."""
        return bool(self._table)

    def of(self, engine: str, model: str) -> Price:
        found = self._found.get((engine, model))
        if found is None:
            name = f"{engine}/{model}"
            fits = (price for pattern, price in self._table.items() if fnmatchcase(name, pattern))
            found = self._found[engine, model] = next(fits, FREE)
        return found

    def total_nanos(self, used: Iterable[tuple[tuple[str, str], Usage]], *, batch: bool) -> int:
        """The sum over ((engine, model), tokens)."""
        return sum(cost_nanos(self.of(*lane), usage, batch=batch) for lane, usage in used)


def cost_nanos(price: Price, usage: Usage, *, batch: bool) -> int:
    """What these tokens cost. `usage.prompt` includes the cached ones."""
    kept = 1.0 - price.batch_discount if batch else 1.0
    cached = price.input if price.cached is None else price.cached
    fresh = (usage.prompt - usage.cached) * price.input + usage.output * price.output
    reused = usage.cached * cached * (kept if price.discount_cached else 1.0)
    return round((fresh * kept + reused) * (NANOS // PER_TOKENS))


def nanos(amount: float) -> int:
    """An amount in the currency of the settings."""
    return round(amount * NANOS)


def amount(cost: int) -> float:
    return cost / NANOS
