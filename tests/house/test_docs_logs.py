"""docs/operating.md has every event that is logged, and every action of the audit log is one that it names."""

import ast
import re

from .source import product
from .test_docs import page, rows, section


def test_every_logged_event_is_documented_and_no_other() -> None:
    text = section(page("operating.md"), "## Logs")
    documented = {name for row in rows(text, "event") for name in re.findall(r"`(\w+)(?:\.\.\.)?`", row[0])}
    logged = {
        found[1]
        for tree in product().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if (found := re.match(r"event=(\w+)", node.value))
    }
    assert documented == logged
