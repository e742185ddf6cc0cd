"""Names say what a thing is. A name that fits anything says nothing, and what lies under it grows."""

import ast
import re
from collections.abc import Iterable

from .source import product

# In the names of modules and classes, as a whole word of the name.
EMPTY = {"util", "utils", "helper", "helpers", "manager", "common", "handler", "handlers", "misc", "stuff"}
# As the first word of a function's name: which verb is meant?
EMPTY_VERBS = {"process", "handle", "manage", "do"}
# One dialect's words stay inside it (docs/design.md, section 4).
OF_ONE_DIALECT = {
    "custom_id": ("dialects/openai", "dialects/anthropic", "api/openai", "api/anthropic"),
    "batch_stats": ("dialects/gemini", "api/gemini"),
}


def words(name: str) -> list[str]:
    """`DataManager` and `data_manager` are both ["data", "manager"]."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)]


def bad_names(path: str, tree: ast.Module) -> Iterable[str]:
    for part in path.removesuffix(".py").split("/"):
        if EMPTY.intersection(words(part)):
            yield f"{path}: the module's name says nothing"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and EMPTY.intersection(words(node.name)):
            yield f"{path}:{node.lineno} class {node.name}: what does it do?"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = words(node.name)[:1]
            if EMPTY_VERBS.intersection(first) or EMPTY.intersection(words(node.name)):
                yield f"{path}:{node.lineno} {node.name}: which verb is meant?"
        name = getattr(node, "id", None) or getattr(node, "arg", None) or getattr(node, "attr", None)
        for word, homes in OF_ONE_DIALECT.items():
            if name == word and not path.startswith(homes):
                yield f"{path}:{getattr(node, 'lineno', 0)} {word} is a word of one dialect"


def test_names_say_something() -> None:
    wrong = [line for path, tree in product().items() for line in bad_names(path, tree)]
    assert not wrong, "\n".join(wrong)


def test_an_empty_name_is_seen() -> None:
    for path, text in (
        ("core/utils.py", ""),
        ("store/file_helpers.py", ""),
        ("work/a.py", "class JobManager: pass"),
        ("work/a.py", "class HTTPHandler: pass"),
        ("work/a.py", "async def process_line(): pass"),
        ("work/a.py", "def handle(): pass"),
        ("work/a.py", "custom_id = 1"),
        ("service/a.py", "def f(batch_stats): pass"),
    ):
        assert len(list(bad_names(path, ast.parse(text)))) == 1, (path, text)
    assert list(bad_names("dialects/openai/lines.py", ast.parse("custom_id = 1"))) == []
    assert list(bad_names("core/lanes.py", ast.parse("class Process: pass"))) == []
