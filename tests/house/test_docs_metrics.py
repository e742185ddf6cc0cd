"""docs/metrics.md has every metric with its type and labels, and no other."""

import re

from backburner.core.metrics import FAMILIES, Kind

from .test_docs import page, rows, word


def test_every_metric_is_documented_and_no_other() -> None:
    documented = {
        word(row[0]): (row[1], tuple(re.findall(r"`(\w+)`", row[2])))
        for row in rows(page("metrics.md"), "name")
    }
    exported = {
        f"{family.name}{'_total' if family.kind is Kind.COUNTER else ''}": (str(family.kind), family.labels)
        for family in FAMILIES
    }
    assert documented == exported
