"""Time is read in one file, chance is passed in, the environment is read in one file, SQL lives in one room.

That is what lets the simulator run the whole service in virtual time, one interleaving per seed. A use that
must stand elsewhere is listed here with its reason.
"""

import ast
import re
from collections.abc import Iterable, Mapping

from .source import product, uses

CLOCK = "core/clock.py"
CONFIG = "config.py"

# path -> {what it uses: why it may}
ALLOWED: Mapping[str, Mapping[str, str]] = {
    "engines/local/supervisor.py": {"os.environ": "a child process is given our environment"},
    "engines/local/weights.py": {"os.environ": "pip, a child process, is given our environment"},
}

TIME = {"asyncio.sleep", "threading.Timer"}
DATETIME = re.compile(r"datetime(\.datetime|\.date)?\.(now|utcnow|today)")
SQL = re.compile(
    r"\b(SELECT\s[^;]+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM"
    r"|CREATE\s+(UNIQUE\s+)?(TABLE|INDEX)|PRAGMA\s+\w+|BEGIN\s+IMMEDIATE)\b"
)


def rule_broken(path: str, used: str) -> str:
    """Which rule a use breaks, or an empty string."""
    if path != CLOCK and (used.startswith("time.") or used in TIME or DATETIME.fullmatch(used)):
        return "only core/clock.py reads time: take a Clock"
    if used.startswith("random.") and not used.startswith("random.Random"):
        return "draw from a random.Random that was passed in"
    if path != CONFIG and used.startswith(("os.environ", "os.getenv", "os.putenv")):
        return "only config.py reads the environment: take a value"
    if not path.startswith("store/") and used.startswith("sqlite3."):
        return "SQL lives in store/"
    return ""


def without_yields(tree: ast.Module) -> ast.Module:
    """The same without `asyncio.sleep(0)`, which yields to the loop and waits for no time."""

    class Blank(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            argument = node.args[0] if node.args else None
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == "sleep" and isinstance(argument, ast.Constant) and argument.value == 0:
                return ast.Constant(value=None)
            return self.generic_visit(node)

    return Blank().visit(tree)


def broken(path: str, tree: ast.Module) -> Iterable[str]:
    for line, used in uses(without_yields(tree)):
        rule = rule_broken(path, used)
        if rule and not any(used.startswith(name) for name in ALLOWED.get(path, {})):
            yield f"{path}:{line} uses {used}; {rule}"
    if path.startswith("store/"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
            yield f"{path}:{node.lineno} holds SQL; SQL lives in store/"


def test_time_chance_environment_and_sql_keep_their_places() -> None:
    wrong = [line for path, tree in product().items() for line in broken(path, tree)]
    assert not wrong, "\n".join(wrong)


def test_every_exception_is_still_needed() -> None:
    sources = product()
    for path, names in ALLOWED.items():
        assert path in sources, f"{path} is gone: take it off the list"
        used = {what for _, what in uses(sources[path])}
        for name in names:
            assert any(what.startswith(name) for what in used), f"{path} no longer uses {name}"


def breaks(path: str, text: str) -> int:
    return len(list(broken(path, ast.parse(text))))


def test_a_use_out_of_place_is_seen() -> None:
    for text in (
        "import time\ntime.monotonic()",
        "from time import sleep as nap\nnap(1)",
        "import datetime as dt\ndt.datetime.now()",
        "from datetime import datetime\ndatetime.utcnow()",
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
        "import random\nrandom.random()",
        "from random import choice\nchoice('ab')",
        "import os\nos.environ['A']",
        "from os import getenv\ngetenv('A')",
        "import sqlite3\nsqlite3.connect('x')",
        "text = 'SELECT a FROM b'",
        "text = 'INSERT OR IGNORE INTO b VALUES (1)'",
    ):
        assert breaks("work/dispatch.py", text) >= 1, text


def test_a_use_in_its_place_is_not() -> None:
    assert breaks(CLOCK, "import time\ntime.time()") == 0
    assert breaks(CONFIG, "import os\nos.environ['A']") == 0
    assert breaks("store/schema.py", "import sqlite3\nsqlite3.connect('x')\ntext = 'SELECT a FROM b'") == 0
    assert breaks("work/a.py", "import random\ndef f(chance: random.Random): return chance.random()") == 0
    assert breaks("work/a.py", "import asyncio\nasync def f():\n    await asyncio.sleep(0)") == 0
    assert breaks("work/a.py", "'''Select a job from the list, delete what is old.'''") == 0
