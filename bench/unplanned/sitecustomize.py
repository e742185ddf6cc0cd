"""For bench/prefix.py alone: a server that finds this on its path runs requests in the order they were submitted in."""

from backburner.policy import plan
from backburner.store import ledger

ledger.Ledger.build_plan = lambda self: False  # type: ignore[method-assign]
plan.GROUP_LEAST = 10**9
